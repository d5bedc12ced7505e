/** The outbox of log events: into LOG, in order, whoever drains it and whoever dies meanwhile. */

import { randomBytes } from "node:crypto";
import { openDatabase } from "@posthorn/database";
import { type LogEvent, logEventId, parseOrgId, uuidv7 } from "@posthorn/domain";
import type { Published, PublishRequest } from "@posthorn/message-bus";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { startTestBackend, type TestBackend } from "../api.fixture.ts";
import { parsed } from "../history.fixture.ts";
import { loggedMessages } from "../log.fixture.ts";
import { openLogOutbox } from "./log-outbox.ts";
import { recordLogEvents } from "./record-log-events.ts";

let backend: TestBackend;
let org: ReturnType<typeof newOrg>;

beforeAll(async () => {
  backend = await startTestBackend();
});

beforeEach(() => {
  org = newOrg();
});

afterAll(async () => {
  await backend[Symbol.asyncDispose]();
});

function newOrg() {
  return parsed(parseOrgId(uuidv7(Date.now(), randomBytes(10))));
}

function change(number: number, orgId = org): LogEvent {
  const what = { actor: "root", action: "updateWebhook", subjectKind: "webhook", fields: [], requestId: "" };
  const changeId = `${orgId}:${number}`;
  return { kind: "configuration.changed", orgId, atMs: number, changeId, subjectId: "1", ...what };
}

const save = (events: readonly LogEvent[]) =>
  backend.database.db.transaction().execute((transaction) => recordLogEvents(transaction, events, Date.now()));

const idsOf = async (orgId = org) => (await loggedMessages(backend, orgId)).flat().map(logEventId);

const rowsLeft = async () => (await backend.database.db.selectFrom("log_outbox").select("id").execute()).length;

type Publish = (request: PublishRequest, deadlineMs?: number) => Promise<Published>;

function open(publish: Publish = (request, deadlineMs) => backend.publisher.publish(request, deadlineMs)) {
  const troubles: string[] = [];
  const outbox = openLogOutbox({
    db: backend.database.db,
    connection: backend.connection,
    publisher: { publish },
    onLogged: () => {},
    onTrouble: (reason) => troubles.push(reason),
  });
  return { outbox, troubles };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

it("brings what was committed into LOG, in the order in which it was, and nothing that was not", async () => {
  const other = newOrg();
  const { outbox } = open();
  await using _outbox = outbox;
  await save([change(1), change(2, other), change(3)]);
  await save([change(4)]);
  const undone = backend.database.db.transaction().execute(async (transaction) => {
    await recordLogEvents(transaction, [change(5)], Date.now());
    throw new Error("undone");
  });
  await expect(undone).rejects.toThrow("undone");
  expect(await outbox.settled()).toBe(true);
  expect(await idsOf()).toEqual([1, 3, 4].map((number) => `${org}:${number}`));
  expect(await idsOf(other)).toEqual([`${other}:2`]);
  expect(await rowsLeft()).toBe(0);
});

it("puts many events of an organisation into few messages", async () => {
  const { outbox } = open();
  await using _outbox = outbox;
  await save(numbers(1_200).map((number) => change(number)));
  expect(await outbox.settled()).toBe(true);
  expect(await idsOf()).toEqual(numbers(1_200).map((number) => `${org}:${number}`));
  expect((await loggedMessages(backend, org)).length).toBeLessThan(20);
});

it("keeps order and repeats nothing when several replicas drain at once", async () => {
  const replicas = [open().outbox, open().outbox, open().outbox];
  for (const number of numbers(60)) {
    await save([change(number)]);
    if (number % 3 === 0) void replicas[(number / 3) % replicas.length]?.settled();
  }
  await Promise.all(replicas.map((outbox) => outbox.settled()));
  expect(await idsOf()).toEqual(numbers(60).map((number) => `${org}:${number}`));
  for (const outbox of replicas) await outbox[Symbol.asyncDispose]();
});

it("says that it does not flow while LOG refuses, and brings it in later", async () => {
  let refusal: Published | undefined = { kind: "refused", code: "stream_full", message: "the stream is full" };
  const { outbox, troubles } = open(async (request) => refusal ?? backend.publisher.publish(request));
  await using _outbox = outbox;
  await save([change(1), change(2)]);
  expect(await outbox.settled()).toBe(false);
  expect(outbox.isFlowing).toBe(false);
  expect(troubles).toContain("the stream is full");
  expect(await rowsLeft()).toBe(2);
  refusal = undefined;
  expect(await outbox.settled()).toBe(true);
  expect(outbox.isFlowing).toBe(true);
  expect(await idsOf()).toEqual([`${org}:1`, `${org}:2`]);
});

it("stores nothing twice when a process dies between the ack and the deletion", async () => {
  const dying = open(async (request) => {
    await backend.publisher.publish(request);
    return { kind: "unknown" };
  });
  await save([change(1), change(2)]);
  expect(await dying.outbox.settled()).toBe(false);
  await dying.outbox[Symbol.asyncDispose]();
  const { outbox } = open();
  await using _outbox = outbox;
  expect(await outbox.settled()).toBe(true);
  expect(await idsOf()).toEqual([`${org}:1`, `${org}:2`]);
});

it("leaves nothing behind a message that failed: what follows waits with it", async () => {
  let published = 0;
  const { outbox } = open(async (request) => {
    published += 1;
    return published === 2 ? { kind: "unknown" } : backend.publisher.publish(request);
  });
  await using _outbox = outbox;
  const large = numbers(30).map((number) => ({ ...change(number), fields: ["x".repeat(15_000)] }));
  await save(large);
  expect(await outbox.settled()).toBe(false);
  const logged = await idsOf();
  expect(logged.length).toBeGreaterThan(0);
  expect(logged).toEqual(numbers(logged.length).map((number) => `${org}:${number}`));
  expect(await outbox.settled()).toBe(true);
  expect(await idsOf()).toEqual(numbers(30).map((number) => `${org}:${number}`));
});

it("frees the others from a replica that freezes while it drains", { timeout: 20_000 }, async () => {
  await using frozen = openDatabase(backend.env.DATABASE_URL ?? "", { poolMax: 1, applicationName: "frozen" });
  const stuck = openLogOutbox({
    db: frozen.db,
    connection: backend.connection,
    publisher: { publish: () => new Promise((resolve) => setTimeout(() => resolve({ kind: "unknown" }), 6_500)) },
    onLogged: () => {},
    onTrouble: () => {},
  });
  await save([change(1)]);
  const stuckSettles = stuck.settled();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { outbox } = open();
  await using _outbox = outbox;
  expect(await outbox.settled()).toBe(false);
  expect(await stuckSettles).toBe(false);
  await expect.poll(() => outbox.settled(), { timeout: 8_000 }).toBe(true);
  expect(await idsOf()).toEqual([`${org}:1`]);
  await stuck[Symbol.asyncDispose]();
});
