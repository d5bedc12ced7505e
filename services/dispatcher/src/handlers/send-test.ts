/**
 * SendTest: makes one attempt while its caller waits, and answers with what came of it once the log has it. A caller
 * that gives up ends the waiting, not the test: what is logged as created gets its outcome, so that none stays open.
 */

import { logEventToWire, type SendTestRequest, type SendTestResponse } from "@posthorn/contracts";
import {
  type DeliveryEvent,
  type DeliveryIdentity,
  decide,
  partitionOf,
  stateOfWork,
  UNKNOWN_DELIVERY,
  type WebhookConfig,
  type WorkItem,
} from "@posthorn/domain";
import { GrpcStatus, type RpcResult } from "@posthorn/service-runtime";
import { type Exchange, outcomeCommand } from "../core/record-exchange.ts";
import type { DispatcherEvents } from "../events.ts";
import type { OutcomeLog } from "../io/outcome-log.ts";
import type { Soon } from "../soon.ts";
import { readTestOrder, type TestOrder } from "./read-test-order.ts";
import type { RunningTests } from "./running-tests.ts";
import type { Leave, SendRequest } from "./send-request.ts";

/** Absent without a tombstone means that the copy of the configuration cannot tell. */
export type TestedWebhook =
  | { readonly kind: "present"; readonly webhook: WebhookConfig }
  | { readonly kind: "deleted" }
  | { readonly kind: "absent" };

export type TestPorts = {
  readonly running: RunningTests;
  readonly configuration: { reached(revision: number): Soon<void>; lookUp(item: WorkItem): TestedWebhook };
  readonly sendRequest: SendRequest;
  readonly log: OutcomeLog;
  readonly events: Pick<DispatcherEvents, "tested">;
  /** Names this process in the attempts it makes. */
  readonly dispatcher: string;
  readonly nowMs: () => number;
};

/** Why no attempt was made: part of the contract with the api. */
export type TestRefusal = "webhook_deleted" | "webhook_unknown" | "unsignable" | "busy" | "stopping";

type TestResult =
  | { readonly kind: "made"; readonly events: readonly DeliveryEvent[] }
  | { readonly kind: "refused"; readonly code: TestRefusal };

/** @param gaveUp aborted when nobody waits for the answer any more. */
export type SendTest = (request: SendTestRequest, gaveUp: AbortSignal) => Promise<RpcResult<SendTestResponse>>;

export function createSendTest(ports: TestPorts): SendTest {
  return async (request, gaveUp) => {
    const read = readTestOrder(request);
    if (read.kind === "malformed") {
      return { kind: "refusal", code: GrpcStatus.INVALID_ARGUMENT, detail: read.reason };
    }
    const { closed } = ports.running;
    const result =
      closed === undefined ? await ports.running.run(() => makeTest(ports, read.order, gaveUp)) : refused(closed);
    if (result.kind === "made") {
      return { kind: "response", response: { events: result.events.map(logEventToWire), refusal: "" } };
    }
    ports.events.tested(result.code);
    return { kind: "response", response: { events: [], refusal: result.code } };
  };
}

/** Whether the webhook is active does not matter: a test tells its owner if it could be. */
async function makeTest(ports: TestPorts, order: TestOrder, gaveUp: AbortSignal): Promise<TestResult> {
  const { item } = order;
  if (!(await happensBefore(gaveUp, ports.configuration.reached(item.configRevision))))
    return refused("webhook_unknown");
  const lookup = ports.configuration.lookUp(item);
  if (lookup.kind === "deleted") return refused("webhook_deleted");
  if (lookup.kind === "absent" || lookup.webhook.orgId !== item.orgId) return refused("webhook_unknown");
  return attempt(ports, order, lookup.webhook, gaveUp);
}

async function attempt(
  ports: TestPorts,
  order: TestOrder,
  webhook: WebhookConfig,
  gaveUp: AbortSignal,
): Promise<TestResult> {
  let created: readonly DeliveryEvent[] = [];
  const mayLeave = async (): Promise<Leave> => {
    if (gaveUp.aborted) return "lease_lost";
    created = creationOf(order, ports.nowMs());
    await append(ports, order.item, created);
    return "yes";
  };
  const { item, event } = order;
  const request = { item, webhook, event, mayLeave, possibleRepeat: false, isTest: true, signal: gaveUp };
  let sent = await ports.sendRequest(request);
  while (sent.kind === "reconsider") sent = await ports.sendRequest(request);
  switch (sent.kind) {
    case "exchanged":
      return conclude(ports, order, webhook, created, sent.exchange);
    case "aborted":
      return conclude(ports, order, webhook, created, cutShort(ports, order.item, webhook));
    case "unsignable":
      return refused("unsignable");
    case "not_sent":
      return refused("stopping");
    default:
      return sent satisfies never;
  }
}

/** Logs the outcome, and before it the creation, if nothing was to be sent. */
async function conclude(
  ports: TestPorts,
  order: TestOrder,
  webhook: WebhookConfig,
  created: readonly DeliveryEvent[],
  exchange: Exchange,
): Promise<TestResult> {
  const { item } = order;
  const nowMs = ports.nowMs();
  const command = outcomeCommand(item, webhook, exchange, NO_JITTER);
  const outcome = decide(identityOf(item), command, stateOfWork(item.attempt, item.release), nowMs);
  const creation = created.length === 0 ? creationOf(order, nowMs) : created;
  await append(ports, item, created.length === 0 ? [...creation, ...outcome] : outcome);
  ports.events.tested(command.outcome.kind === "succeeded" ? "succeeded" : command.outcome.errorClass);
  return { kind: "made", events: [...creation, ...outcome] };
}

/** A test has no next attempt whose time could be jittered. */
const NO_JITTER = 0;

function creationOf({ item, facts }: TestOrder, nowMs: number): readonly DeliveryEvent[] {
  const { profile, eventTypePrefix } = item;
  const order = { event: facts, profile, eventTypePrefix, origin: { kind: "test" } } as const;
  return decide(identityOf(item), { kind: "create", order, start: { kind: "queue" } }, UNKNOWN_DELIVERY, nowMs);
}

/** The process stopped under the request. Nobody comes back to a test, so this is its outcome. */
function cutShort({ nowMs, dispatcher }: TestPorts, { attempt }: WorkItem, { url }: WebhookConfig): Exchange {
  const message = "the dispatcher stopped before the receiver had answered";
  const result = { kind: "failed", errorClass: "reset", message } as const;
  const about = { attempt, url, dispatcher, possibleRepeat: false, isTest: true };
  return { ...about, requestHeaders: [], startedAtMs: nowMs(), durationMs: 0, result };
}

const WHILE_ITS_CALLER_WAITS = true;

function append({ log }: TestPorts, { orgId }: WorkItem, events: readonly DeliveryEvent[]): Promise<unknown> {
  return log.append(partitionOf(orgId), events, WHILE_ITS_CALLER_WAITS);
}

function identityOf({ orgId, eventId, deliveryId, webhookId }: WorkItem): DeliveryIdentity {
  return { orgId, eventId, deliveryId, webhookId };
}

function refused(code: TestRefusal): TestResult {
  return { kind: "refused", code };
}

/** False when the signal comes first. */
async function happensBefore(signal: AbortSignal, happening: Soon<void>): Promise<boolean> {
  if (signal.aborted) return false;
  if (!(happening instanceof Promise)) return true;
  const { promise: aborted, resolve } = Promise.withResolvers<boolean>();
  const onAbort = () => resolve(false);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([happening.then(() => true), aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
