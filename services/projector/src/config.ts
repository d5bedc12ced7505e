/** The projector's settings: the only reader of the environment. */

import { integer, port, runtimeSettings, type SettingsOf, urlList, urlText } from "@posthorn/service-runtime";

export const settings = {
  ...runtimeSettings("projector"),
  grpcPort: port("POSTHORN_PROJECTOR_GRPC_PORT", 0),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
  databaseUrl: urlText("DATABASE_URL", { protocols: ["postgres", "postgresql"] }),
};

export type ProjectorConfig = SettingsOf<typeof settings>;
