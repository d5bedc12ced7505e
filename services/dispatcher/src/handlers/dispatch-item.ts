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
import type { TakenMessage } from "@posthorn/message-bus";
import type { AttemptPlan } from "../core/plan-attempt.ts";
import { type Exchange, outcomeOf, recordOf } from "../core/record-exchange.ts";
import type { DispatcherEvents } from "../events.ts";
import type { Fence } from "../io/fence.ts";
import type { OutcomeLog } from "../io/outcome-log.ts";
import type { PayloadReader } from "../io/payload-reader.ts";
import { DeliveriesInHand } from "./deliveries-in-hand.ts";
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

export type DispatchItem = (message: TakenMessage) => Promise<void>;

/** A webhook that the configuration does not show yet is looked up again after this long. */
const UNKNOWN_WEBHOOK_WAIT_MS = 5_000;
/** A secret that cannot be opened needs an operator; looking often would not help. */
const UNSIGNABLE_WAIT_MS = 30_000;
/** A stream that does not answer is asked for the payload again after this long. */
const PAYLOAD_WAIT_MS = 1_000;

type Work = {
  readonly message: TakenMessage;
  readonly item: WorkItem;
  /** It cannot be excluded that this attempt has been made. */
  readonly mayBeRepeat: boolean;
};

/** `again`: too much time has passed since the item was planned. */
type Progress = "done" | "again";

export function createDispatchItem(ports: DispatchPorts): DispatchItem {
  const inHand = new DeliveriesInHand();
  return async (message) => {
    const decoded = decodeWorkItem(message.data);
    if (decoded.kind === "undecodable") {
      ports.events.setAside(message.sequence, message.subject, decoded.reason);
      message.ack();
      return;
    }
    const item = decoded.value;
    await inHand.run(item.deliveryId, async (hadToWait) => {
      const mayBeRepeat = hadToWait || message.mayBeRepeat || item.possibleRepeat;
      let progress: Progress;
      do progress = await advance(ports, { message, item, mayBeRepeat });
      while (progress === "again");
    });
  };
}

async function advance(ports: DispatchPorts, work: Work): Promise<Progress> {
  const { item } = work;
  await ports.configuration.reached(item.configRevision);
  const plan = ports.configuration.plan(item);
  switch (plan.kind) {
    case "send":
      return attempt(ports, work, plan.webhook);
    case "wait":
      return handBack(ports, work, "webhook_unknown", UNKNOWN_WEBHOOK_WAIT_MS);
    case "cancel":
    case "exhaust":
      return settle(ports, work, plan);
    case "defer":
      return settle(ports, work, { ...plan, notBeforeMs: undefined, acceptedAtMs: item.acceptedAtMs });
    default:
      return plan satisfies never;
  }
}

async function attempt(ports: DispatchPorts, work: Work, webhook: WebhookConfig): Promise<Progress> {
  const { message, item } = work;
  const known = work.mayBeRepeat ? await ports.fence.lookUp(message.partition, item.deliveryId, item.attempt) : "open";
  if (known === "settled") {
    ports.events.fenced();
    message.ack();
    return "done";
  }
  const payload = await ports.payloads.read(item);
  if (payload.kind === "unavailable") return handBack(ports, work, "payload_unavailable", PAYLOAD_WAIT_MS);
  if (payload.kind === "gone") return settle(ports, work, { kind: "exhaust", reason: "payload_gone" });
  const body = renderBody(item.profile, payload.event, item.deliveryId);
  // Whoever had the item before may have died with the request under way: the log cannot know of that.
  const possibleRepeat = known === "unknown" || message.isRedelivered;
  return send(ports, work, webhook, body, possibleRepeat);
}

async function send(
  ports: DispatchPorts,
  work: Work,
  webhook: WebhookConfig,
  body: RenderedBody,
  possibleRepeat: boolean,
): Promise<Progress> {
  const { message, item } = work;
  if (body.kind === "unrepresentable") {
    const startedAtMs = ports.chance.nowMs();
    const notSent = { ...NOT_SENT, attempt: item.attempt, url: webhook.url, startedAtMs, possibleRepeat, result: body };
    return recordExchange(ports, work, webhook, notSent);
  }
  const sent = await ports.sendRequest({ item, webhook, body: body.bytes, message, possibleRepeat });
  switch (sent.kind) {
    case "exchanged":
      return recordExchange(ports, work, webhook, sent.exchange);
    case "not_sent":
      return handBack(ports, work, sent.reason, 0);
    case "aborted":
      ports.events.handedBack("stopping");
      return "done";
    case "unsignable":
      ports.events.unsignable(webhook.id, sent.refusal);
      return handBack(ports, work, "unsignable", UNSIGNABLE_WAIT_MS);
    case "reconsider":
      return "again";
    default:
      return sent satisfies never;
  }
}

const NOT_SENT = { requestHeaders: [], durationMs: 0, dispatcher: "" } as const;

function handBack(
  ports: DispatchPorts,
  { message }: Work,
  reason: Parameters<DispatcherEvents["handedBack"]>[0],
  delayMs: number,
): Progress {
  ports.events.handedBack(reason);
  message.giveBack(delayMs);
  return "done";
}

async function recordExchange(
  ports: DispatchPorts,
  work: Work,
  webhook: WebhookConfig,
  exchange: Exchange,
): Promise<Progress> {
  const { item } = work;
  const outcome = outcomeOf(exchange);
  ports.events.attempted({
    outcome,
    durationMs: exchange.durationMs,
    latencyMs: exchange.startedAtMs + exchange.durationMs - item.acceptedAtMs,
    attempt: item.attempt,
    possibleRepeat: exchange.possibleRepeat,
  });
  return record(ports, work, {
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
  work: Work,
  command: Exclude<DeliveryCommand, { kind: "create" | "record-outcome" }>,
): Promise<Progress> {
  const progress = await record(ports, work, command);
  ports.events.settledWithoutAttempt(command.kind);
  return progress;
}

/** First the log, then the acknowledgement. */
async function record(ports: DispatchPorts, { message, item }: Work, command: DeliveryCommand): Promise<Progress> {
  const { orgId, eventId, deliveryId, webhookId } = item;
  const state = stateOfWork(item.attempt, item.release);
  const events = decide({ orgId, eventId, deliveryId, webhookId }, command, state, ports.chance.nowMs());
  await ports.log.append(message.partition, events);
  message.ack();
  return "done";
}
