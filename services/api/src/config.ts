/** The api's settings: the only reader of the environment. */

import { egressSettings } from "@posthorn/egress";
import {
  integer,
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
/** Beyond it a limit would be none. */
const RATE_LIMIT_MAX = 1_000_000;
const KEY_PREFIX = /^[A-Za-z0-9_-]{1,32}$/;

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
  /** Makes the one attempt of a test send. */
  dispatcherTarget: text("POSTHORN_DISPATCHER_TARGET"),
  /** The root key: everything, in every organisation. */
  adminKey: secret("POSTHORN_ADMIN_KEY"),
  /** What new API keys begin with; keys made under another prefix stay valid. */
  apiKeyPrefix,
  /** Requests per minute of one key in one process; 0: no limit. */
  rateLimit: integer("POSTHORN_API_RATE_LIMIT", { default: 0, min: 0, max: RATE_LIMIT_MAX }),
  ...egressSettings,
};

export type ApiConfig = SettingsOf<typeof settings>;
