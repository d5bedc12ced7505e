/** The dispatcher's settings: the only reader of the environment. */

import { parseCidrList } from "@posthorn/egress";
import { flag, integer, list, runtimeSettings, type SettingsOf, text, urlList } from "@posthorn/service-runtime";

const cidr = {
  allowed: 'an address range such as "10.0.0.0/8"',
  accepts: (item: string) => parseCidrList(item).kind === "ok",
};

export const settings = {
  ...runtimeSettings("dispatcher"),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
  signerTarget: text("POSTHORN_SIGNER_TARGET"),
  projectorTarget: text("POSTHORN_PROJECTOR_TARGET"),
  allowHttp: flag("POSTHORN_ALLOW_HTTP", false),
  /** Ranges exempt from every rule of the egress guard. */
  allowedTargets: list("POSTHORN_ALLOWED_TARGETS", [], cidr),
  /** The machine's own when empty. */
  dnsServers: list("POSTHORN_DNS_SERVERS", []),
};

export type DispatcherConfig = SettingsOf<typeof settings>;
