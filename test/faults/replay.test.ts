/**
 * A replay of part of a webhook's history, while the api and the scheduler are killed again and again: everything that
 * was asked for arrives, nothing else does, and what arrives twice is what Posthorn itself says may have.
 */

import { decodeLogEvents } from "@posthorn/contracts";
import { openDatabase } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import { type Receiver, type RecordedRequest, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant, type Webhook } from "../tenant.ts";

/** Deliveries before the range, in it while the webhook was active, in it while it was paused, and after it. */
const BEFORE = 300;
const ACTIVE = 300;
const PAUSED = 1_200;
const AFTER = 200;
/** Every third one fails for good: never twenty in a row, which would open the circuit. */
const FAILS_EVERY = 3;
const WANTED = ACTIVE / FAILS_EVERY + PAUSED;
/** Kills of the scheduler while deliveries are being made, when it is seen that more have been: one at least. */
const KILLS_WHILE_MADE_MAX = 3;
/** Further kills, of api and scheduler, in replayed deliveries that have arrived. */
const KILLS_AT = [WANTED * 0.3, WANTED * 0.6];
const BATCH_MAX = 500;
const ARRIVAL_TIMEOUT_MS = 60_000;

type Listed = {
  readonly id: string;
  readonly event_id: string;
  readonly status: string;
  readonly replay_of: string | null;
  readonly attempt_count: number;
};
type Replay = {
  readonly id: string;
  readonly state: string;
  readonly total: number | null;
  readonly done: number;
  readonly skipped: number;
};

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
let webhook: Webhook;
/** Publishing order by the event's id. */
const numbers = new Map<string, number>();
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "replay");
  receiver = await startReceiver({ script: (request) => (numberIn(request) % FAILS_EVERY === 0 ? 500 : 200) });
  webhook = await tenant.subscribe({ url: receiver.url, events: ["load.*"], retry_schedule_s: [] });
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("sends again what a replay asked for, and only that, over kills of api and scheduler", async () => {
  const { since, until } = await makeHistory();
  const originals = await deliveries();
  expect(originals).toHaveLength(BEFORE + ACTIVE + PAUSED + AFTER);
  const wanted = new Map(originals.filter(isWanted).map((delivery) => [delivery.id, delivery]));
  expect(wanted.size).toBe(WANTED);
  const sentBefore = new Map(receiver.requests.map((request) => [idOf(request), request.body]));
  const before = receiver.requests.length;
  receiver.answerWith([{ kind: "respond", status: 200, delayMs: 50 }]);

  const path = `/v1/orgs/${tenant.orgId}/webhooks/${webhook.id}/replay`;
  const { id } = expectAnswer<Replay>(
    await tenant.api("POST", path, { since, until, status: ["exhausted", "skipped"] }),
    202,
  );
  const replayed = () => receiver.requests.slice(before);
  const watching = watchAndKill(id);
  for (const count of KILLS_AT) {
    await arrived(count, replayed);
    stack.stack.kill("api", "SIGKILL");
    await stack.killAndAwaitRestart("scheduler");
  }
  await arrived(WANTED, replayed);
  const { seen, kills } = await watching;

  expect(kills).toBeGreaterThan(0);
  expectProgress(seen);
  expect(seen.at(-1)).toMatchObject({ state: "finished", total: WANTED, done: WANTED, skipped: 0 });
  expect(new Set(replayed().map(idOf))).toEqual(new Set(wanted.keys()));
  for (const request of replayed()) {
    const original = sentBefore.get(idOf(request));
    if (original === undefined) expect(wanted.get(idOf(request))?.status).toBe("skipped");
    else expect(request.body.equals(original)).toBe(true);
    expect(numberIn(request)).toBe(numbers.get(wanted.get(idOf(request))?.event_id ?? ""));
  }
  const made = await madeDeliveries();
  expect(made.map(({ replay_of }) => replay_of).sort()).toEqual([...wanted.keys()].sort());
  expect(new Set(made.map(({ status }) => status))).toEqual(new Set(["delivered"]));
  await expectReportedRepeats(replayed(), made);
}, 150_000);

/** Three stretches of time; the replay is about the middle one, in which the webhook was paused for a while. */
async function makeHistory(): Promise<{ since: string; until: string }> {
  await publish(BEFORE);
  const since = await nextInstant();
  await publish(ACTIVE);
  await setActive(false);
  await publish(PAUSED);
  await setActive(true);
  const until = await nextInstant();
  await publish(AFTER);
  return { since, until };
}

/** Returns when everything that was published has ended. */
async function publish(count: number): Promise<void> {
  const first = numbers.size;
  for (let sent = 0; sent < count; sent += BATCH_MAX) {
    const size = Math.min(BATCH_MAX, count - sent);
    const batch = Array.from({ length: size }, (_, index) => first + sent + index);
    const events = batch.map((number) => ({ type: "load.event", data: { number } }));
    const answer = await tenant.ingest("POST", `/v1/orgs/${tenant.orgId}/events/batch`, { events });
    const { results } = expectAnswer<{ results: { id: string }[] }>(answer, 202);
    for (const [index, result] of results.entries()) numbers.set(result.id, batch[index] ?? -1);
  }
  const ended = ["delivered", "exhausted", "skipped"];
  await waitUntil(
    async () => {
      const all = await deliveries();
      return all.length === numbers.size && all.every(({ status }) => ended.includes(status));
    },
    { timeoutMs: 30_000, everyMs: 300, describe: `${count} deliveries to end` },
  );
}

/** What was made until now was made before it. */
async function nextInstant(): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, 20));
  const instant = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 20));
  return instant;
}

async function setActive(isActive: boolean): Promise<void> {
  const path = `/v1/orgs/${tenant.orgId}/webhooks/${webhook.id}`;
  expectAnswer(await tenant.api("PATCH", path, { is_active: isActive }), 200);
}

/** The number of an event tells what became of it. */
function isWanted({ event_id }: Listed): boolean {
  const number = numbers.get(event_id) ?? -1;
  if (number < BEFORE || number >= BEFORE + ACTIVE + PAUSED) return false;
  return number >= BEFORE + ACTIVE || number % FAILS_EVERY === 0;
}

async function deliveries(): Promise<readonly Listed[]> {
  const items: Listed[] = [];
  let cursor: string | null = "";
  while (cursor !== null) {
    const after: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const path = `/v1/orgs/${tenant.orgId}/webhooks/${webhook.id}/deliveries?limit=500${after}`;
    const page = expectAnswer<{ items: Listed[]; next_cursor: string | null }>(await tenant.api("GET", path), 200);
    items.push(...page.items);
    cursor = page.next_cursor;
  }
  return items;
}

/** Those of the replay, as soon as history knows how all of them ended. */
function madeDeliveries(): Promise<readonly Listed[]> {
  return waitUntil(
    async () => {
      const made = (await deliveries()).filter(({ replay_of }) => replay_of !== null);
      return made.length >= WANTED && made.every(({ status }) => status === "delivered") ? made : undefined;
    },
    { timeoutMs: 30_000, everyMs: 300, describe: "history to know all replayed deliveries" },
  );
}

async function arrived(count: number, replayed: () => readonly RecordedRequest[]): Promise<void> {
  const distinct = () => new Set(replayed().map(idOf)).size;
  await waitUntil(() => distinct() >= count, {
    timeoutMs: ARRIVAL_TIMEOUT_MS,
    describe: () => `${count} replayed deliveries, of which ${distinct()} arrived`,
  });
}

/** Everything that the api said of it until it had finished; an api that is being killed says nothing. */
async function watchAndKill(id: string): Promise<{ seen: readonly Replay[]; kills: number }> {
  const seen: Replay[] = [];
  const killedAt = [0];
  await waitUntil(
    async () => {
      const answer = await tenant.api("GET", `/v1/orgs/${tenant.orgId}/replays/${id}`);
      const replay = expectAnswer<Replay>(answer, 200);
      seen.push(replay);
      const isFurther = replay.state === "running" && replay.done > Math.max(...killedAt);
      if (isFurther && killedAt.length <= KILLS_WHILE_MADE_MAX) {
        killedAt.push(replay.done);
        stack.stack.kill("scheduler", "SIGKILL");
      }
      return replay.state === "finished";
    },
    { timeoutMs: ARRIVAL_TIMEOUT_MS, describe: () => `the replay to finish; it was ${JSON.stringify(seen.at(-1))}` },
  );
  return { seen, kills: killedAt.length - 1 };
}

function expectProgress(seen: readonly Replay[]): void {
  const running = seen.filter(({ state, done }) => state === "running" && done > 0);
  expect(running.length).toBeGreaterThan(0);
  for (const { done, skipped, total } of running) expect(done + skipped).toBeLessThanOrEqual(total ?? 0);
  const done = seen.map((replay) => replay.done);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
}

/** No delivery arrived more often than its own log admits. */
async function expectReportedRepeats(requests: readonly RecordedRequest[], made: readonly Listed[]): Promise<void> {
  const admitted = await admittedRepeats();
  const counts = new Map<string, number>();
  for (const request of requests) counts.set(idOf(request), (counts.get(idOf(request)) ?? 0) + 1);
  const repeats = made.map(({ id, replay_of }) => ({ id, repeats: (counts.get(replay_of ?? "") ?? 0) - 1 }));
  const tookMs = (requests.at(-1)?.arrivedAtMs ?? 0) - (requests[0]?.arrivedAtMs ?? 0);
  console.log(
    `${requests.length} requests in ${tookMs} ms, ${requests.length - WANTED} of them repeats; ` +
      `Posthorn marked ${admitted.size} deliveries as possible ones`,
  );
  expect(repeats.filter((one) => one.repeats > (admitted.get(one.id) ?? 0))).toEqual([]);
}

/** By delivery: attempts that are marked as possible repeats. */
async function admittedRepeats(): Promise<ReadonlyMap<string, number>> {
  await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
  const archived = await database.db.selectFrom("delivery_log").select("bytes").execute();
  const admitted = new Map<string, number>();
  for (const event of archived.flatMap(({ bytes }) => logEventsOf(bytes))) {
    const isMarked = "attempt" in event && typeof event.attempt === "object" && event.attempt.possibleRepeat;
    if (isMarked && "deliveryId" in event) admitted.set(event.deliveryId, (admitted.get(event.deliveryId) ?? 0) + 1);
  }
  return admitted;
}

function logEventsOf(bytes: Buffer): readonly LogEvent[] {
  const decoded = decodeLogEvents(bytes);
  if (decoded.kind === "undecodable") throw new Error(decoded.reason);
  return decoded.value;
}

function numberIn(request: RecordedRequest): number {
  return JSON.parse(request.body.toString()).data.number;
}

function idOf(request: RecordedRequest): string {
  return request.header("webhook-id") ?? "";
}
