/** The matcher's settings: the only reader of the environment. */

import { integer, runtimeSettings, type SettingsOf, urlList } from "@posthorn/service-runtime";

export const settings = {
  ...runtimeSettings("matcher"),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
};

export type MatcherConfig = SettingsOf<typeof settings>;
