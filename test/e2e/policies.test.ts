/** What follows from a receiver's answers: when it is asked again, when it is left alone, and who hears of it. */

import { setTimeout as sleep } from "node:timers/promises";
import { limits } from "@posthorn/domain";
import { type Receiver, type ReceiverAnswer, type RecordedRequest, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isSignedBy } from "../../deploy/local/standard-signature.ts";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Delivery, expectAnswer, type Tenant, type Webhook } from "../tenant.ts";

/** Long enough for every other case to fail on purpose for less. */
const DISABLE_AFTER_S = 15;
/** The scheduler looks ten times in that time, and what it finds takes its way through the log. */
const DISABLE_LATE_MS_MAX = 8_000;
/** How long nothing may come that must not come. */
const QUIET_MS = 1_500;
const WAIT_MS = 30_000;

type WebhookState = {
  readonly is_active: boolean;
  readonly disabled_reason: string | null;
  readonly health: { readonly state: string; readonly circuit: string };
};
type AuditEntry = { readonly actor: string; readonly action: string; readonly fields: readonly string[] };
type ScheduledDelivery = Delivery & { readonly next_attempt_at: string | null };

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack({ env: { POSTHORN_DISABLE_AFTER_S: String(DISABLE_AFTER_S) } });
});
afterAll(() => stack[Symbol.asyncDispose]());

const pathOf = (tenant: Tenant, { id }: Webhook) => `/v1/orgs/${tenant.orgId}/webhooks/${id}`;

async function stateOf(tenant: Tenant, webhook: Webhook): Promise<WebhookState> {
  return expectAnswer<WebhookState>(await tenant.api("GET", pathOf(tenant, webhook)), 200);
}

async function disabled(tenant: Tenant, webhook: Webhook, timeoutMs: number): Promise<WebhookState> {
  const check = async () => {
    const state = await stateOf(tenant, webhook);
    return state.is_active ? undefined : state;
  };
  return waitUntil(check, { timeoutMs, describe: "the webhook to be disabled" });
}

/** Those of this status, as soon as there are so many. */
async function listed(tenant: Tenant, webhook: Webhook, status: string, count: number): Promise<readonly Delivery[]> {
  let found: readonly Delivery[] = [];
  const check = async () => {
    const answer = await tenant.api("GET", `${pathOf(tenant, webhook)}/deliveries?status=${status}&limit=500`);
    found = expectAnswer<{ items: Delivery[] }>(answer, 200).items;
    return found.length === count;
  };
  await waitUntil(check, {
    timeoutMs: WAIT_MS,
    everyMs: 100,
    describe: () => `${count} to be ${status}, as ${found.length} are`,
  });
  return found;
}

/** The audit says that the engine did it, as soon as it is projected. */
async function auditedAsDisabled(tenant: Tenant, webhook: Webhook): Promise<void> {
  const check = async () => {
    const answer = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/audit?subject=${webhook.id}`);
    const { items } = expectAnswer<{ items: AuditEntry[] }>(answer, 200);
    return items.find(({ actor }) => actor === "posthorn");
  };
  const { action, fields } = await waitUntil(check, { describe: "the engine's line in the audit" });
  expect({ action, fields }).toEqual({ action: "disableWebhook", fields: ["is_active", "disabled_reason"] });
}

const typeOf = (request: RecordedRequest) => (JSON.parse(request.body.toString()) as { type: string }).type;
const idOf = (request: RecordedRequest) => request.header("webhook-id") ?? "";

describe.concurrent("what follows from a receiver's answers", () => {
  it("a 410 disables the webhook at once, until somebody puts it back into service", async () => {
    const tenant = await createTenant(stack, "gone");
    await using receiver = await startReceiver({
      script: (request) => ({ "wait.event": 500, "gone.event": 410 })[typeOf(request)] ?? 200,
    });
    const webhook = await tenant.subscribe({ url: receiver.url, events: ["*"], retry_schedule_s: [4] });
    for (let index = 0; index < 3; index += 1) await tenant.publish({ type: "wait.event", data: {} });
    await listed(tenant, webhook, "scheduled", 3);

    await tenant.publish({ type: "gone.event", data: {} });
    const state = await disabled(tenant, webhook, 5_000);
    expect(state).toMatchObject({ disabled_reason: "gone", health: { state: "disabled" } });
    await auditedAsDisabled(tenant, webhook);
    const [ended] = await listed(tenant, webhook, "exhausted", 1);
    expect(ended).toMatchObject({ event_type: "gone.event", reason: "gone", attempt_count: 1, last_status_code: 410 });

    for (let index = 0; index < 2; index += 1) await tenant.publish({ type: "late.event", data: {} });
    for (const skipped of await listed(tenant, webhook, "skipped", 2)) {
      expect(skipped).toMatchObject({ event_type: "late.event", reason: "webhook_inactive", attempt_count: 0 });
    }
    for (const cancelled of await listed(tenant, webhook, "cancelled", 3)) {
      expect(cancelled).toMatchObject({ event_type: "wait.event", reason: "webhook_disabled", attempt_count: 1 });
    }
    expect(receiver.requests).toHaveLength(4);

    expectAnswer(await tenant.api("PATCH", pathOf(tenant, webhook), { is_active: true }), 200);
    expect(await stateOf(tenant, webhook)).toMatchObject({ is_active: true, disabled_reason: null });
    await tenant.publish({ type: "fine.event", data: {} });
    await listed(tenant, webhook, "delivered", 1);
    expect(receiver.requests.map(typeOf).slice(4)).toEqual(["fine.event"]);
  });

  it("failing without a break disables a webhook after its time, a success now and then does not", async () => {
    const tenant = await createTenant(stack, "failing");
    await using failing = await startReceiver({ script: [500] });
    await using wavering = await startReceiver({ script: ({ index }) => (index % 4 === 3 ? 200 : 500) });
    const retries = Array.from({ length: 30 }, () => 2);
    const webhook = await tenant.subscribe({ url: failing.url, events: ["fail.*"], retry_schedule_s: retries });
    const other = await tenant.subscribe({ url: wavering.url, events: ["waver.*"], retry_schedule_s: [] });
    await using _publishing = publishEverySecond(tenant, "waver.event");
    await tenant.publish({ type: "fail.event", data: {} });

    const state = await disabled(tenant, webhook, DISABLE_AFTER_S * 1_000 + DISABLE_LATE_MS_MAX);
    const seenAtMs = Date.now();
    expect(state).toMatchObject({ disabled_reason: "failing", health: { state: "disabled" } });
    await auditedAsDisabled(tenant, webhook);
    const [cancelled] = await listed(tenant, webhook, "cancelled", 1);
    expect(cancelled?.reason).toBe("webhook_disabled");
    expect(cancelled?.attempt_count).toBe(failing.requests.length);
    const told = await tenant.settled(cancelled?.id ?? "", ["cancelled"]);
    const failingSinceMs = Date.parse(told.attempts[0]?.started_at ?? "");
    expect(seenAtMs - failingSinceMs).toBeGreaterThanOrEqual(DISABLE_AFTER_S * 1_000);
    expect(told.attempts.map(({ outcome, status_code }) => [outcome, status_code])).toEqual(
      failing.requests.map(() => ["failed", 500]),
    );

    expect(await stateOf(tenant, other)).toMatchObject({ is_active: true, disabled_reason: null });
    expect(wavering.requests.length).toBeGreaterThan(DISABLE_AFTER_S / 2);
  });

  it("operational events reach who subscribes to them, once each and signed, and nobody else", async () => {
    const tenant = await createTenant(stack, "operations");
    await using told = await startReceiver();
    await using deaf = await startReceiver({ script: [500] });
    await using everything = await startReceiver();
    let isDown = true;
    await using receiver = await startReceiver({
      script: (request) => ({ "exhaust.event": 500, "gone.event": 410 })[typeOf(request)] ?? (isDown ? 503 : 200),
    });
    const operations = await tenant.subscribe({ url: told.url, events: ["posthorn.*"] });
    const unheard = await tenant.subscribe({ url: deaf.url, events: ["posthorn.*"], retry_schedule_s: [] });
    await tenant.subscribe({ url: everything.url, events: ["*"] });
    const exhausts = await tenant.subscribe({ url: receiver.url, events: ["exhaust.*"], retry_schedule_s: [] });
    const goes = await tenant.subscribe({ url: receiver.url, events: ["gone.*"] });
    const retries = Array.from({ length: 10 }, () => 1);
    const recovers = await tenant.subscribe({ url: receiver.url, events: ["down.*"], retry_schedule_s: retries });

    const DOWN_EVENTS = 25;
    await tenant.publish({ type: "exhaust.event", data: {} });
    await tenant.publish({ type: "gone.event", data: {} });
    for (let index = 0; index < DOWN_EVENTS; index += 1) await tenant.publish({ type: "down.event", data: {} });
    await waitUntil(async () => (await stateOf(tenant, recovers)).health.circuit === "open", { timeoutMs: WAIT_MS });
    isDown = false;
    await listed(tenant, recovers, "delivered", DOWN_EVENTS);
    const expected = [
      ["posthorn.delivery.exhausted", exhausts.id],
      ["posthorn.delivery.exhausted", goes.id],
      ["posthorn.webhook.disabled", goes.id],
      ["posthorn.webhook.recovered", recovers.id],
    ];
    await told.waitFor(expected.length, WAIT_MS);
    // Neither of these leads to another: what is exhausted here is an operational event itself.
    await listed(tenant, unheard, "exhausted", expected.length);
    await sleep(QUIET_MS);
    expect(told.requests.map(subjectOf).sort()).toEqual(expected.sort());
    for (const request of told.requests) {
      const [id, timestamp, signature] = ["id", "timestamp", "signature"].map((n) => request.header(`webhook-${n}`));
      const { body } = request;
      expect(isSignedBy(operations.secret, { id, timestamp, signature, body }, request.arrivedAtMs)).toBe(true);
    }
    const types = everything.requests.map(typeOf);
    expect(types).toHaveLength(DOWN_EVENTS + 2);
    expect(types.filter((type) => type.startsWith("posthorn."))).toEqual([]);
  });

  it("what has failed for good is listed, and sent again when somebody asks for all of it", async () => {
    const tenant = await createTenant(stack, "dead letters");
    let isDown = true;
    await using receiver = await startReceiver({ script: () => (isDown ? 500 : 200) });
    const webhook = await tenant.subscribe({ url: receiver.url, events: ["*"], retry_schedule_s: [] });
    const DEAD = 8;
    for (let number = 0; number < DEAD; number += 1) await tenant.publish({ type: "dead.letter", data: { number } });
    const dead = await listed(tenant, webhook, "exhausted", DEAD);
    for (const delivery of dead) expect(delivery).toMatchObject({ reason: "attempts_exhausted", attempt_count: 1 });

    isDown = false;
    const retry = () =>
      tenant.api("POST", `/v1/orgs/${tenant.orgId}/deliveries/retry`, { status: "exhausted", webhook_id: webhook.id });
    expect(expectAnswer(await retry(), 202)).toEqual({ count: DEAD });
    const delivered = await listed(tenant, webhook, "delivered", DEAD);
    for (const delivery of delivered) expect(delivery).toMatchObject({ success: true, attempt_count: 2 });
    expect(await listed(tenant, webhook, "exhausted", 0)).toEqual([]);
    expect(expectAnswer(await retry(), 202)).toEqual({ count: 0 });
    const ids = receiver.requests.map(idOf);
    expect(ids).toHaveLength(2 * DEAD);
    expect(ids.slice(DEAD).sort()).toEqual(ids.slice(0, DEAD).sort());
    expect(ids.slice(DEAD).sort()).toEqual(dead.map(({ id }) => id).sort());
  });

  it("Retry-After puts the next attempt off, within bounds and where it has a meaning", async () => {
    const tenant = await createTenant(stack, "retry after");
    const byPath = new Map<string, ReceiverAnswer>();
    await using receiver = await startReceiver({ script: ({ path }) => byPath.get(path) ?? 404 });
    const cases = retryAfterCases(Date.now());
    for (const { path, status, text } of cases) {
      byPath.set(path, { kind: "respond", status, headers: { "retry-after": text } });
    }
    const checked = await Promise.all(cases.map((one) => nextAttemptOf(tenant, receiver, one)));
    expect(checked).toEqual(cases.map(({ name, expected }) => ({ name, ...expected })));
  });

  it("a storm of 429 costs no request more than the schedule has", async () => {
    const tenant = await createTenant(stack, "storm");
    await using receiver = await startReceiver({
      script: [{ kind: "respond", status: 429, headers: { "retry-after": "1" } }],
    });
    const schedule = [1, 1, 1];
    const STORM = 200;
    const webhook = await tenant.subscribe({ url: receiver.url, events: ["*"], retry_schedule_s: schedule });
    const events = Array.from({ length: STORM }, (_, number) => ({ type: "storm.event", data: { number } }));
    expectAnswer(await tenant.ingest("POST", `/v1/orgs/${tenant.orgId}/events/batch`, { events }), 202);
    const ended = await listed(tenant, webhook, "exhausted", STORM);
    await sleep(QUIET_MS);
    const attempts = new Map(ended.map((delivery) => [delivery.id, delivery.attempt_count]));
    const requests = new Map([...Map.groupBy(receiver.requests, idOf)].map(([id, all]) => [id, all.length]));
    expect(requests).toEqual(attempts);
    expect(new Set(attempts.values())).toEqual(new Set([schedule.length + 1]));
  });

  it("a receiver that publishes what it gets is in a loop, which ends", async () => {
    const tenant = await createTenant(stack, "loop");
    const answers: Promise<number>[] = [];
    await using receiver = await startReceiver({
      script: (request) => {
        answers.push(publishAgain(tenant, request));
        return 200;
      },
    });
    const webhook = await tenant.subscribe({ url: receiver.url, events: ["loop.*"] });
    await tenant.publish({ type: "loop.event", data: { number: 0 } });
    const [skipped] = await listed(tenant, webhook, "skipped", 1);
    expect(skipped).toMatchObject({ reason: "loop", attempt_count: 0 });
    await sleep(QUIET_MS);
    expect(receiver.requests.map((request) => request.header("posthorn-hops"))).toEqual(
      Array.from({ length: limits.HOPS_MAX }, (_, index) => String(index + 1)),
    );
    expect(await Promise.all(answers)).toEqual(receiver.requests.map(() => 202));
    expect(await tenant.deliveriesOf(webhook.id)).toHaveLength(limits.HOPS_MAX + 1);
  });
});

/** Until it is disposed of. */
function publishEverySecond(tenant: Tenant, type: string): AsyncDisposable {
  const stopping = new AbortController();
  const { signal } = stopping;
  const publish = async () => {
    while (!signal.aborted) {
      await tenant.publish({ type, data: {} });
      await sleep(1_000, undefined, { signal }).catch(() => {});
    }
  };
  const publishing = publish();
  return {
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await publishing;
    },
  };
}

function subjectOf(request: RecordedRequest): readonly string[] {
  const { type, data } = JSON.parse(request.body.toString()) as { type: string; data: { webhook_id: string } };
  return [type, data.webhook_id];
}

/** @returns the status of ingest's answer. */
async function publishAgain(tenant: Tenant, request: RecordedRequest): Promise<number> {
  const { type, data } = JSON.parse(request.body.toString()) as { type: string; data: object };
  const response = await fetch(`${stack.stack.ingestUrl}/v1/orgs/${tenant.orgId}/events`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${tenant.key}`,
      "content-type": "application/json",
      "posthorn-hops": request.header("posthorn-hops") ?? "",
    },
    body: JSON.stringify({ type, data }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** When the next attempt is to be: so long after the end of the one that failed, or at a moment. */
type NextAttempt = { readonly afterMs: number } | { readonly at: string };
type RetryAfterCase = {
  readonly name: string;
  readonly path: string;
  readonly status: number;
  readonly text: string;
  readonly expected: NextAttempt;
};

const SCHEDULED_S = 60;
const DAY_MS = 86_400_000;

/** Every form on 429 and 503, where it counts, and on 500, where it does not. */
function retryAfterCases(nowMs: number): readonly RetryAfterCase[] {
  const inAnHour = new Date(Math.floor(nowMs / 1_000) * 1_000 + 3_600_000);
  const scheduled = { afterMs: SCHEDULED_S * 1_000 };
  const forms: Readonly<Record<string, readonly [text: string, expected: NextAttempt]>> = {
    seconds: ["120", { afterMs: 120_000 }],
    "fewer seconds than the schedule": ["5", scheduled],
    "a date": [inAnHour.toUTCString(), { at: inAnHour.toISOString() }],
    "a past date": [new Date(nowMs - DAY_MS).toUTCString(), scheduled],
    "10 days": ["864000", { afterMs: DAY_MS }],
    "a date in 10 days": [new Date(nowMs + 10 * DAY_MS).toUTCString(), { afterMs: DAY_MS }],
    nonsense: ["soon, I hope", scheduled],
    "a negative number": ["-120", scheduled],
    "a fraction": ["120.5", scheduled],
    nothing: ["", scheduled],
  };
  return [429, 503, 500].flatMap((status) =>
    Object.entries(forms).map(([form, [text, expected]], index) => ({
      name: `${form} on ${status}`,
      path: `/${status}/${index}`,
      status,
      text,
      expected: status === 500 ? scheduled : expected,
    })),
  );
}

async function nextAttemptOf(
  tenant: Tenant,
  receiver: Receiver,
  { name, path, expected }: RetryAfterCase,
): Promise<{ readonly name: string } & NextAttempt> {
  const type = `case${path.replaceAll("/", ".")}`;
  const url = `${receiver.url}${path}`;
  const webhook = await tenant.subscribe({ url, events: [type], retry_schedule_s: [SCHEDULED_S] });
  await tenant.publish({ type, data: {} });
  const [listedOne] = await listed(tenant, webhook, "scheduled", 1);
  const answer = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/deliveries/${listedOne?.id}`);
  const { next_attempt_at: at, attempts } = expectAnswer<ScheduledDelivery>(answer, 200);
  const [attempt] = attempts;
  if (at === null || attempt === undefined) throw new Error(`${name}: nothing is scheduled`);
  const endedAtMs = Date.parse(attempt.started_at) + attempt.duration_ms;
  return "at" in expected ? { name, at } : { name, afterMs: Date.parse(at) - endedAtMs };
}
