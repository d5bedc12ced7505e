/** The settings of ingest: the only reader of its environment. */

import { integer, port, runtimeSettings, type SettingsOf, secret, urlList } from "@posthorn/service-runtime";

export const settings = {
  ...runtimeSettings("ingest", { httpPort: 8_081 }),
  grpcPort: port("POSTHORN_INGEST_GRPC_PORT", 9_091),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  /** Copies of each stream: 1 for one machine, 3 in production. */
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
  /** The root key: may publish into every organisation. */
  adminKey: secret("POSTHORN_ADMIN_KEY"),
};

export type IngestConfig = SettingsOf<typeof settings>;
