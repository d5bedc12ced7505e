/** Follows the configuration bucket into the directory of subscriptions. */

import { type BusConnection, ConfigReplica, type Publisher } from "@posthorn/message-bus";
import type { SubscriptionDirectory } from "../core/subscription-directory.ts";
import { parseWebhookKey } from "../core/webhook-key.ts";
import type { MatcherEvents } from "../events.ts";

export function followSubscriptions(
  connection: BusConnection,
  publisher: Publisher,
  directory: SubscriptionDirectory,
  events: Pick<MatcherEvents, "configurationRefused" | "trouble">,
): ConfigReplica {
  return new ConfigReplica(connection, publisher, {
    onValue: (key, value) => {
      const webhook = parseWebhookKey(key);
      if (webhook === undefined) return;
      if (directory.apply(webhook, value) === "foreign") events.configurationRefused(key);
    },
    onReset: () => directory.clear(),
    onTrouble: (reason) => events.trouble("configuration", reason),
  });
}
