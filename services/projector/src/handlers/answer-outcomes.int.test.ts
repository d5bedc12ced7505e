import { status } from "@grpc/grpc-js";
import { type OutcomesRequest, type OutcomesResponse, ProjectionServiceClient } from "@posthorn/contracts";
import { streamPosition } from "@posthorn/message-bus";
import { callUnary, createGrpcClient } from "@posthorn/service-runtime";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ACCEPTED_AT_MS, deliveryEvents, PARTITION } from "../core/log.fixture.ts";
import { PACE_MS_MIN } from "../core/pace.ts";
import { startTestBackend, startTestProjector, type TestBackend, type TestProjector } from "../projector.fixture.ts";
import { ATTEMPTS_MAX } from "./answer-outcomes.ts";

const NEXT_AT_MS = ACCEPTED_AT_MS + 60_000;
/** No partition of the fixture's organisation. */
const EMPTY_PARTITION = (PARTITION + 1) % 8;

let backend: TestBackend;
let owner: TestProjector;
let standby: TestProjector;
let epochMs: number;
let clients: Record<"owner" | "standby", ProjectionServiceClient>;
let projectedUpTo: number;

const [done, failing, cancelled] = [deliveryEvents(1), deliveryEvents(2), deliveryEvents(3)];
const parked = deliveryEvents(4);

beforeAll(async () => {
  backend = await startTestBackend();
  owner = await startTestProjector(backend.env);
  projectedUpTo = await backend.publish(
    [done.created(), failing.created(), cancelled.created(), parked.created(), parked.deferred(1, 1)],
    [done.succeeded(1), failing.failed(1, NEXT_AT_MS), cancelled.cancelled()],
  );
  await backend.projected(projectedUpTo);
  standby = await startTestProjector(backend.env);
  epochMs = (await streamPosition(backend.connection, "LOG")).epochMs;
  clients = {
    owner: createGrpcClient(ProjectionServiceClient, `127.0.0.1:${owner.grpcPort}`),
    standby: createGrpcClient(ProjectionServiceClient, `127.0.0.1:${standby.grpcPort}`),
  };
});
afterAll(async () => {
  for (const client of Object.values(clients)) client.close();
  await standby[Symbol.asyncDispose]();
  await owner[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

function ask(who: "owner" | "standby", changes: Partial<OutcomesRequest> = {}, deadlineMs = 3_000) {
  const client = clients[who];
  const attempts = [
    { deliveryId: done.deliveryId, attempt: 1, release: 0 },
    { deliveryId: failing.deliveryId, attempt: 1, release: 0 },
    { deliveryId: failing.deliveryId, attempt: 2, release: 0 },
    { deliveryId: cancelled.deliveryId, attempt: 1, release: 0 },
    { deliveryId: deliveryEvents(99).deliveryId, attempt: 1, release: 0 },
    { deliveryId: parked.deliveryId, attempt: 1, release: 0 },
    { deliveryId: parked.deliveryId, attempt: 1, release: 1 },
  ];
  const request = { partition: PARTITION, epochMs, minSequence: projectedUpTo, attempts, ...changes };
  return callUnary<OutcomesRequest, OutcomesResponse>(client.outcomes.bind(client), request, { deadlineMs });
}

test.each(["owner", "standby"] as const)(
  "the %s knows what has an outcome, has ended or was deferred since",
  async (who) => {
    expect(await ask(who)).toEqual({ settled: [true, true, false, true, false, true, false] });
  },
);

test.each(["owner", "standby"] as const)(
  "the %s answers once the log is projected as far as was asked",
  async (who) => {
    const delivery = deliveryEvents(who === "owner" ? 10 : 11);
    const attempts = [{ deliveryId: delivery.deliveryId, attempt: 1, release: 0 }];
    const last = (await backend.publish([])) + 1;
    const answer = ask(who, { minSequence: last, attempts });
    await backend.publish([delivery.succeeded(1)]);
    expect(await answer).toEqual({ settled: [true] });
  },
);

test.each(["owner", "standby"] as const)("the %s says in time that it cannot tell yet", async (who) => {
  const startedAtMs = performance.now();
  await expect(ask(who, { minSequence: 1_000_000 }, 400)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
  expect(performance.now() - startedAtMs).toBeLessThan(1_500);
});

test("a position in another epoch of the stream is never reached", async () => {
  await expect(ask("owner", { epochMs: epochMs + 1 }, 400)).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED });
});

test("a partition without a message has nothing to wait for", async () => {
  expect(await ask("standby", { partition: EMPTY_PARTITION, minSequence: 0 })).toMatchObject({
    settled: [true, true, false, true, false, true, false],
  });
});

test.each([
  ["a partition that does not exist", { partition: 8 }],
  ["an id that is none", { attempts: [{ deliveryId: "x", attempt: 1, release: 0 }] }],
  [
    "too many attempts",
    {
      attempts: Array.from({ length: ATTEMPTS_MAX + 1 }, () => ({
        deliveryId: done.deliveryId,
        attempt: 1,
        release: 0,
      })),
    },
  ],
])("%s is refused", async (_, changes) => {
  await expect(ask("owner", changes)).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test("whoever asks does not wait for the projector's pace", async () => {
  const questions = 10;
  const startedAtMs = performance.now();
  for (let question = 0; question < questions; question += 1) {
    const delivery = deliveryEvents(200 + question);
    const attempts = [{ deliveryId: delivery.deliveryId, attempt: 1, release: 0 }];
    const minSequence = await backend.publish([delivery.created()], [delivery.succeeded(1)]);
    expect(await ask("owner", { minSequence, attempts })).toEqual({ settled: [true] });
  }
  expect(performance.now() - startedAtMs).toBeLessThan((questions * PACE_MS_MIN) / 2);
});
