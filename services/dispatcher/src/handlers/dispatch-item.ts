/**
 * One work item, from the stream to its acknowledgement: plan, fence, sign, send, log, acknowledge. The item is
 * acknowledged only when what happened is in the log; before a POST it may be dropped at any line, after one never.
 */

import { decodeWorkItem } from "@posthorn/contracts";
import {
  type DeliveryCommand,
  decide,
  type RenderedBody,
  renderBody,
  retryPolicyOf,
  stateOfWork,
  type WebhookConfig,
  type WorkItem,
} from "@posthorn/domain";
import type { WorkMessage } from "@posthorn/message-bus";
import type { AttemptPlan } from "../core/plan-attempt.ts";
import { type Exchange, outcomeOf, recordOf } from "../core/record-exchange.ts";
import type { DispatcherEvents } from "../events.ts";
import type { Fence } from "../io/fence.ts";
import type { OutcomeLog } from "../io/outcome-log.ts";
import type { PayloadReader } from "../io/payload-reader.ts";
import type { SendRequest } from "./send-request.ts";

/** The configuration as this process has it. */
export type Configuration = {
  reached(revision: number): Promise<void>;
  plan(item: WorkItem): AttemptPlan;
};

export type DispatchPorts = {
  readonly configuration: Configuration;
  readonly fence: Fence;
  readonly payloads: PayloadReader;
  readonly sendRequest: SendRequest;
  readonly log: OutcomeLog;
  readonly events: DispatcherEvents;
  readonly chance: { readonly nowMs: () => number; readonly roll: () => number };
};

export type DispatchItem = (message: WorkMessage) => Promise<void>;

/** A webhook that the configuration does not show yet is looked up again after this long. */
const UNKNOWN_WEBHOOK_WAIT_MS = 5_000;
/** A secret that cannot be opened needs an operator; looking often would not help. */
const UNSIGNABLE_WAIT_MS = 30_000;

export function createDispatchItem(ports: DispatchPorts): DispatchItem {
  return async (message) => {
    const decoded = decodeWorkItem(message.data);
    if (decoded.kind === "undecodable") {
      ports.events.setAside(message.sequence, message.subject, decoded.reason);
      message.ack();
      return;
    }
    const item = decoded.value;
    await ports.configuration.reached(item.configRevision);
    const plan = ports.configuration.plan(item);
    switch (plan.kind) {
      case "send":
        return attempt(ports, message, item, plan.webhook);
      case "wait":
        ports.events.handedBack("webhook_unknown");
        message.giveBack(UNKNOWN_WEBHOOK_WAIT_MS);
        return;
      case "cancel":
      case "exhaust":
        return settle(ports, message, item, plan);
      case "defer":
        return settle(ports, message, item, { ...plan, notBeforeMs: undefined, acceptedAtMs: item.acceptedAtMs });
      default:
        return plan satisfies never;
    }
  };
}

async function attempt(
  ports: DispatchPorts,
  message: WorkMessage,
  item: WorkItem,
  webhook: WebhookConfig,
): Promise<void> {
  const mayBeRepeat = message.mayBeRepeat || item.possibleRepeat;
  const known = mayBeRepeat ? await ports.fence.lookUp(message.partition, item.deliveryId, item.attempt) : "open";
  if (known === "settled") {
    ports.events.fenced();
    message.ack();
    return;
  }
  const event = await ports.payloads.read(item);
  if (event === undefined) return settle(ports, message, item, { kind: "exhaust", reason: "payload_gone" });
  const body = renderBody(item.profile, event, item.deliveryId);
  const exchange = await exchangeWith(ports, message, item, webhook, body, known === "unknown");
  if (exchange !== undefined) await recordExchange(ports, message, item, webhook, exchange);
}

/** Undefined: nothing was sent, and the item has been left to come again. */
async function exchangeWith(
  ports: DispatchPorts,
  message: WorkMessage,
  item: WorkItem,
  webhook: WebhookConfig,
  body: RenderedBody,
  possibleRepeat: boolean,
): Promise<Exchange | undefined> {
  if (body.kind === "unrepresentable") {
    const startedAtMs = ports.chance.nowMs();
    return { ...NOT_SENT, attempt: item.attempt, url: webhook.url, startedAtMs, possibleRepeat, result: body };
  }
  const sent = await ports.sendRequest({ item, webhook, body: body.bytes, message, possibleRepeat });
  switch (sent.kind) {
    case "exchanged":
      return sent.exchange;
    case "dropped":
      ports.events.handedBack(sent.reason);
      return undefined;
    case "unsignable":
      ports.events.unsignable(webhook.id, sent.refusal);
      ports.events.handedBack("unsignable");
      message.giveBack(UNSIGNABLE_WAIT_MS);
      return undefined;
    case "reconsider":
      message.giveBack(0);
      return undefined;
    default:
      return sent satisfies never;
  }
}

const NOT_SENT = { requestHeaders: [], durationMs: 0, dispatcher: "" } as const;

async function recordExchange(
  ports: DispatchPorts,
  message: WorkMessage,
  item: WorkItem,
  webhook: WebhookConfig,
  exchange: Exchange,
): Promise<void> {
  const outcome = outcomeOf(exchange);
  ports.events.attempted({
    outcome,
    durationMs: exchange.durationMs,
    latencyMs: exchange.startedAtMs + exchange.durationMs - item.acceptedAtMs,
    attempt: item.attempt,
    possibleRepeat: exchange.possibleRepeat,
  });
  await record(ports, message, item, {
    kind: "record-outcome",
    attempt: recordOf(exchange),
    outcome,
    policy: retryPolicyOf(item.profile, webhook.retryDelaysS),
    acceptedAtMs: item.acceptedAtMs,
    roll: ports.chance.roll(),
  });
}

async function settle(
  ports: DispatchPorts,
  message: WorkMessage,
  item: WorkItem,
  command: Exclude<DeliveryCommand, { kind: "create" | "record-outcome" }>,
): Promise<void> {
  await record(ports, message, item, command);
  ports.events.settledWithoutAttempt(command.kind);
}

/** First the log, then the acknowledgement. */
async function record(
  ports: DispatchPorts,
  message: WorkMessage,
  item: WorkItem,
  command: DeliveryCommand,
): Promise<void> {
  const { orgId, eventId, deliveryId, webhookId } = item;
  const state = stateOfWork(item.attempt, item.release);
  const events = decide({ orgId, eventId, deliveryId, webhookId }, command, state, ports.chance.nowMs());
  await ports.log.append(message.partition, events);
  message.ack();
}
