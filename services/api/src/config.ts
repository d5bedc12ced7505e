/** The api's settings: the only reader of the environment. */

import { parseCidrList } from "@posthorn/egress";
import {
  flag,
  integer,
  list,
  runtimeSettings,
  type Setting,
  type SettingsOf,
  secret,
  text,
  urlList,
  urlText,
} from "@posthorn/service-runtime";

const HTTP_PORT_DEFAULT = 8_080;
const KEY_PREFIX_DEFAULT = "ph_sk_";
const KEY_PREFIX = /^[A-Za-z0-9_-]{1,32}$/;

const cidr = {
  allowed: 'an address range such as "10.0.0.0/8"',
  accepts: (item: string) => parseCidrList(item).kind === "ok",
};

const apiKeyPrefix: Setting<string> = {
  ...text("POSTHORN_API_KEY_PREFIX", { default: KEY_PREFIX_DEFAULT }),
  allowed: "1 to 32 letters, digits, _ or -",
  read: (given = KEY_PREFIX_DEFAULT) =>
    KEY_PREFIX.test(given) ? { kind: "value", value: given } : { kind: "refused" },
};

export const settings = {
  ...runtimeSettings("api", { httpPort: HTTP_PORT_DEFAULT }),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
  /** Of the role `posthorn_api`. */
  databaseUrl: urlText("DATABASE_URL", { protocols: ["postgres", "postgresql"] }),
  signerTarget: text("POSTHORN_SIGNER_TARGET"),
  /** The root key: everything, in every organisation. */
  adminKey: secret("POSTHORN_ADMIN_KEY"),
  /** What new API keys begin with; keys made under another prefix stay valid. */
  apiKeyPrefix,
  allowHttp: flag("POSTHORN_ALLOW_HTTP", false),
  /** Ranges exempt from every rule for the targets of webhooks. */
  allowedTargets: list("POSTHORN_ALLOWED_TARGETS", [], cidr),
  /** The machine's own when empty. */
  dnsServers: list("POSTHORN_DNS_SERVERS", []),
};

export type ApiConfig = SettingsOf<typeof settings>;
