/**
 * One work item, from its plan to the log: plan, fence, sign, send, log. Before a POST it may be dropped at any line,
 * after one never. What else follows from its outcome (a circuit that opened, a webhook that is gone, the deliveries
 * that were to come after it) stands in the same log message, so that none of it is known without the other.
 */

import {
  type AcceptedEvent,
  type DeferReason,
  type DeliveryCommand,
  type DeliveryEvent,
  decide,
  type LogEvent,
  stateOfWork,
  type WebhookConfig,
  type WorkItem,
} from "@posthorn/domain";
import type { TakenMessage } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { parkedEvents } from "../core/parking.ts";
import type { AttemptPlan } from "../core/plan-attempt.ts";
import { type Exchange, outcomeCommand } from "../core/record-exchange.ts";
import type { DispatcherEvents } from "../events.ts";
import type { Fence } from "../io/fence.ts";
import type { OutcomeLog } from "../io/outcome-log.ts";
import type { Payload, PayloadReader } from "../io/payload-reader.ts";
import { afterwards, type Soon } from "../soon.ts";
import { holdLease } from "./hold-lease.ts";
import type { Leave, SendRequest, Sent } from "./send-request.ts";
import type { CircuitChange, GatePass } from "./webhook-gates.ts";

/** The configuration as this process has it. */
export type Configuration = {
  reached(revision: number): Soon<void>;
  plan(item: WorkItem): AttemptPlan;
  /** The webhook is gone, judged by this version of it. False when that is known already. */
  disable(webhook: WebhookConfig, version: number): boolean;
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

/** One item in hand. */
export type Work = {
  readonly message: TakenMessage;
  readonly item: WorkItem;
  /** Of an ordered webhook: to be delivered after this one. */
  readonly rest: readonly WorkItem[];
  readonly pass: Pick<GatePass, "departs" | "returns" | "answered" | "leave" | "isShut">;
  /** It cannot be excluded that this attempt has been made. */
  readonly mayBeRepeat: boolean;
  /** Somebody may have died with this very request under way: the log cannot know of that. */
  readonly mayHaveBeenSent: boolean;
};

/** `settled`: according to the fence; `ended`: anything else than delivered is logged; `unsettled`: it comes again. */
export type Progress = "delivered" | "settled" | "ended" | "unsettled";
/** `again`: too much has changed since the item was planned. */
type Step = Progress | "again";

/** A webhook that the configuration does not show yet is looked up again after this long. */
const UNKNOWN_WEBHOOK_WAIT_MS = 5_000;
/** A stream that does not answer is asked for the payload again after this long. */
const PAYLOAD_WAIT_MS = 1_000;
/** So is a projector that has to say what of an ordered run was delivered. */
const ORDER_WAIT_MS = 5_000;

export async function deliverItem(ports: DispatchPorts, work: Work): Promise<Progress> {
  for (;;) {
    const step = await advance(ports, work);
    if (step !== "again") return step;
  }
}

function advance(ports: DispatchPorts, work: Work): Promise<Step> {
  return afterwards(ports.configuration.reached(work.item.configRevision), () => carryOut(ports, work));
}

function carryOut(ports: DispatchPorts, work: Work): Promise<Step> {
  const plan = ports.configuration.plan(work.item);
  switch (plan.kind) {
    case "send":
      if (isHeldUp(work)) return park(ports, work, "circuit_open");
      return work.mayBeRepeat
        ? sendUnlessSettled(ports, work, plan)
        : sendPayload(ports, work, plan, work.mayHaveBeenSent);
    case "wait":
      return handBack(ports, work, "webhook_unknown", UNKNOWN_WEBHOOK_WAIT_MS);
    case "cancel":
    case "exhaust":
      return settle(ports, work, plan);
    case "defer":
      return park(ports, work, plan.reason);
    default:
      return plan satisfies never;
  }
}

/** Its circuit may have opened since it was let in. */
function isHeldUp({ item, pass }: Work): boolean {
  return pass.isShut && item.terms?.isProbe !== true;
}

type Send = Extract<AttemptPlan, { kind: "send" }>;
type NotExchanged = Exclude<Sent, { kind: "exchanged" }>;

async function sendUnlessSettled(ports: DispatchPorts, work: Work, plan: Send): Promise<Step> {
  const known = await ports.fence.lookUp(work.message.partition, work.item);
  if (known === "settled") {
    ports.events.fenced();
    return "settled";
  }
  // Out of order would be worse than late: without the projector nothing is released to an ordered webhook anyway.
  if (known === "unknown" && plan.webhook.ordered) return handBack(ports, work, "order_unknown", ORDER_WAIT_MS);
  return sendPayload(ports, work, plan, known === "unknown" || work.mayHaveBeenSent);
}

function sendPayload(ports: DispatchPorts, work: Work, plan: Send, possibleRepeat: boolean): Promise<Step> {
  return afterwards<Payload, Step>(ports.payloads.read(work.item), (payload) => {
    switch (payload.kind) {
      case "found":
        return send(ports, work, plan, payload.event, possibleRepeat);
      case "unavailable":
        return handBack(ports, work, "payload_unavailable", PAYLOAD_WAIT_MS);
      case "gone":
        return settle(ports, work, { kind: "exhaust", reason: "payload_gone" });
      default:
        return payload satisfies never;
    }
  });
}

async function send(
  ports: DispatchPorts,
  work: Work,
  plan: Send,
  event: AcceptedEvent,
  possibleRepeat: boolean,
): Promise<Step> {
  const [{ item }, { webhook }] = [work, plan];
  const mayLeave = () => leave(ports, work, webhook);
  const sent = await ports.sendRequest({ item, webhook, event, mayLeave, possibleRepeat, isTest: false });
  return sent.kind === "exchanged"
    ? await recordExchange(ports, work, plan, sent.exchange)
    : await notExchanged(ports, work, plan, sent);
}

function notExchanged(ports: DispatchPorts, work: Work, { webhook }: Send, sent: NotExchanged): Soon<Step> {
  work.pass.returns();
  switch (sent.kind) {
    case "not_sent":
      return handBack(ports, work, sent.reason, 0);
    case "aborted":
      ports.events.handedBack("stopping");
      return "unsettled";
    case "unsignable":
      ports.events.unsignable(webhook.id, sent.refusal);
      return park(ports, work, "unsignable");
    case "reconsider":
      return "again";
    default:
      return sent satisfies never;
  }
}

/** The wait for a connection and a signature may have been long: what was planned has to hold still. */
function leave(ports: DispatchPorts, work: Work, webhook: WebhookConfig): Leave {
  if (!holdLease(work.message)) return "lease_lost";
  const plan = ports.configuration.plan(work.item);
  if (plan.kind !== "send" || plan.webhook !== webhook || isHeldUp(work)) return "reconsider";
  work.pass.departs();
  return "yes";
}

async function handBack(
  ports: DispatchPorts,
  { message }: Work,
  reason: Parameters<DispatcherEvents["handedBack"]>[0],
  delayMs: number,
): Promise<Progress> {
  ports.events.handedBack(reason);
  message.giveBack(delayMs);
  return "unsettled";
}

function recordExchange(
  ports: DispatchPorts,
  work: Work,
  { webhook, version }: Send,
  exchange: Exchange,
): Promise<Progress> {
  crashPoint("dispatcher.posted");
  const { item } = work;
  const command = outcomeCommand(item, webhook, exchange, ports.chance.roll());
  const { outcome } = command;
  ports.events.attempted({
    outcome,
    durationMs: exchange.durationMs,
    latencyMs: exchange.startedAtMs + exchange.durationMs - item.acceptedAtMs,
    attempt: item.attempt,
    possibleRepeat: exchange.possibleRepeat,
  });
  const statusCode = exchange.result.kind === "response" ? exchange.result.status : undefined;
  const change = work.pass.answered(outcome, statusCode, item.terms?.isProbe === true ? item.terms : undefined);
  // Logging is no part of what the receiver has under way.
  if (work.rest.length === 0) work.pass.leave();
  const consequences: LogEvent[] = [];
  if (change !== undefined) consequences.push(circuitEvent(ports, item, change));
  const isGone = outcome.kind === "refused" && outcome.reason === "gone";
  if (isGone && ports.configuration.disable(webhook, version)) {
    consequences.push(goneEvent(item, version, ports.chance.nowMs()));
  }
  return record(ports, work, command, consequences);
}

function circuitEvent(
  { events, chance }: DispatchPorts,
  item: WorkItem,
  { kind, generation }: CircuitChange,
): LogEvent {
  const { orgId, webhookId } = item;
  events.circuitChanged(kind);
  return { kind: `circuit.${kind}`, orgId, webhookId, generation, atMs: chance.nowMs() };
}

function goneEvent({ orgId, webhookId }: WorkItem, configVersion: number, atMs: number): LogEvent {
  return { kind: "webhook.disabled", orgId, webhookId, reason: "gone", configVersion, atMs };
}

async function settle(
  ports: Pick<DispatchPorts, "log" | "events" | "chance">,
  work: Pick<Work, "message" | "item" | "rest">,
  command: Extract<DeliveryCommand, { kind: "cancel" | "exhaust" }>,
): Promise<Progress> {
  const progress = await record(ports, work, command, []);
  ports.events.settledWithoutAttempt(command.kind);
  return progress;
}

/** Logs what a command makes of the item, and what follows from that. */
export function record(
  ports: Pick<DispatchPorts, "log" | "events" | "chance">,
  work: Pick<Work, "message" | "item" | "rest">,
  command: DeliveryCommand,
  consequences: readonly LogEvent[],
): Promise<Progress> {
  const { orgId, eventId, deliveryId, webhookId, attempt, release } = work.item;
  const identity = { orgId, eventId, deliveryId, webhookId };
  const happened = decide(identity, command, stateOfWork(attempt, release), ports.chance.nowMs());
  return write(ports, work, happened, consequences);
}

/**
 * What is gone waits for no receiver: the scheduler releases it at once, however its circuit stands, and would do so
 * again and again.
 */
export async function parkOrEnd(
  ports: Pick<DispatchPorts, "configuration" | "log" | "events" | "chance">,
  work: Pick<Work, "message" | "item" | "rest" | "mayHaveBeenSent">,
  reason: DeferReason,
): Promise<Progress> {
  await ports.configuration.reached(work.item.configRevision);
  const plan = ports.configuration.plan(work.item);
  const isOver = plan.kind === "cancel" || plan.kind === "exhaust";
  return isOver ? settle(ports, work, plan) : park(ports, work, reason);
}

/** @param work `mayHaveBeenSent` is of its item; whoever sends a run has one of it under way. */
export async function park(
  ports: Pick<DispatchPorts, "log" | "events" | "chance">,
  work: Pick<Work, "message" | "item" | "rest" | "mayHaveBeenSent">,
  reason: DeferReason,
): Promise<Progress> {
  const parked = parkedEvents(work.item, reason, work.mayHaveBeenSent, ports.chance.nowMs());
  const progress = await write(ports, work, parked, []);
  crashPoint("dispatcher.parked");
  ports.events.parked(reason);
  return progress;
}

async function write(
  ports: Pick<DispatchPorts, "log" | "events" | "chance">,
  { message, rest }: Pick<Work, "message" | "item" | "rest">,
  happened: readonly DeliveryEvent[],
  consequences: readonly LogEvent[],
): Promise<Progress> {
  const isDelivered = happened[0]?.kind === "attempt.succeeded";
  const later = isDelivered ? [] : rest.flatMap((item) => parkedEvents(item, "ordered", false, ports.chance.nowMs()));
  // Of a run the next one leaves only then.
  const isUrgent = rest.length > 0;
  await ports.log.append(message.partition, [...happened, ...consequences, ...later], isUrgent);
  if (isDelivered) return "delivered";
  for (const _ of rest) ports.events.parked("ordered");
  return "ended";
}
