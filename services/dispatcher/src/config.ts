/** The dispatcher's settings: the only reader of the environment. */

import { egressProxySetting, egressSettings } from "@posthorn/egress";
import { integer, port, runtimeSettings, type SettingsOf, text, urlList } from "@posthorn/service-runtime";

export const settings = {
  ...runtimeSettings("dispatcher"),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
  /** Where DispatchService is served; 0 takes any free port. */
  grpcPort: port("POSTHORN_DISPATCHER_GRPC_PORT", 0),
  signerTarget: text("POSTHORN_SIGNER_TARGET"),
  projectorTarget: text("POSTHORN_PROJECTOR_TARGET"),
  ...egressSettings,
  egressProxy: egressProxySetting,
};

export type DispatcherConfig = SettingsOf<typeof settings>;
