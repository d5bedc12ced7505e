/** Builds what can be done to webhooks from its parts: the signer, a dispatcher, and the rules for URLs. */

import { createResolver, egressPolicyOf } from "@posthorn/egress";
import type { BusConnection, Publisher } from "@posthorn/message-bus";
import { type Shell, watchDependency } from "@posthorn/service-runtime";
import type { ApiConfig } from "./config.ts";
import type { ApiEvents } from "./events.ts";
import type { Chance } from "./handlers/chance.ts";
import { type WebhookActs, webhookActs } from "./handlers/webhook-acts.ts";
import { type CheckUrl, urlChecker, urlProblemOf } from "./io/check-url.ts";
import { openSecretSealer } from "./io/secret-sealer.ts";
import { testEventKeeper } from "./io/test-events.ts";
import { openTestSender } from "./io/test-sender.ts";
import type { Webhooks } from "./io/webhooks.ts";

export type WebhookActsParts = {
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly webhooks: Webhooks;
  readonly chance: Chance;
  readonly events: ApiEvents;
};

/** @param stack what is opened here is closed with it. */
export function openWebhookActs(
  config: ApiConfig,
  { health, tracing }: Pick<Shell, "health" | "tracing">,
  { connection, publisher, webhooks, chance, events }: WebhookActsParts,
  stack: AsyncDisposableStack,
): { readonly acts: WebhookActs; readonly checkUrl: CheckUrl } {
  const sealer = stack.use(openSecretSealer(config.signerTarget, (reason) => events.trouble("signer", reason)));
  stack.use(watchDependency(health.dependency("signer", { required: false }), () => sealer.reach()));
  const testSender = stack.use(
    openTestSender(config.dispatcherTarget, (reason) => events.trouble("dispatcher", reason)),
  );
  stack.use(watchDependency(health.dependency("dispatcher", { required: false }), () => testSender.reach()));
  const resolver = stack.use(createResolver({ servers: config.dnsServers }));
  const checkUrl = urlChecker(egressPolicyOf(config), resolver);
  const acts = webhookActs({
    webhooks,
    sealer,
    testSender,
    keepTestEvent: testEventKeeper(connection, publisher, (reason) => events.trouble("test events", reason)),
    urlProblem: urlProblemOf(checkUrl),
    newTraceparent: () => {
      const span = tracing.startSpan("test webhook", { kind: "producer", parent: undefined });
      span.end();
      return span.traceparent;
    },
    chance,
  });
  return { acts, checkUrl };
}
