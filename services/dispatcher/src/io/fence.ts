/**
 * The fence: asks the projector whether an attempt that may be a repeat has an outcome already. The question is asked
 * behind the partition's last log message, and waits a bounded time: better a counted repeat than a lost delivery.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type OutcomesRequest, type OutcomesResponse, ProjectionServiceClient } from "@posthorn/contracts";
import { ALL_PARTITIONS, type WorkItem } from "@posthorn/domain";
import { type BusConnection, lastSequenceOf, streamPosition } from "@posthorn/message-bus";
import { callUnary, createGrpcClient, reachServer } from "@posthorn/service-runtime";
import { Batcher } from "./batcher.ts";

export type FenceAnswer =
  /** It has an outcome, or its delivery has ended: do not send. */
  | "settled"
  | "open"
  /** Nobody could say in time: send, and count it as a possible repeat. */
  | "unknown";

export type Fence = {
  lookUp(partition: number, item: Question): Promise<FenceAnswer>;
};

/** From the question to its answer, the wait for an earlier question's answer included. */
const ANSWER_MS_MAX = 5_000;
const RETRY_WAIT_MS = 200;
const QUESTIONS_MAX = 1_000;

type Question = Pick<WorkItem, "deliveryId" | "attempt" | "release">;

/** An open fence also tells whether its projector is there. */
export type OpenFence = Fence & Disposable & { reach(): Promise<void> };

const REACH_MS_MAX = 1_000;

export function openFence(connection: BusConnection, projectorTarget: string): OpenFence {
  const client = createGrpcClient(ProjectionServiceClient, projectorTarget);
  const fence = createFence(connection, (request, deadlineMs) =>
    callUnary<OutcomesRequest, OutcomesResponse>(client.outcomes.bind(client), request, { deadlineMs }),
  );
  return {
    lookUp: fence.lookUp,
    reach: () => reachServer(client, REACH_MS_MAX),
    [Symbol.dispose]: () => {
      fence[Symbol.dispose]();
      client.close();
    },
  };
}

/** Rejects when the projector does not answer by the deadline. */
export type AskOutcomes = (request: OutcomesRequest, deadlineMs: number) => Promise<OutcomesResponse>;

/** A fence over any way to ask a projector. */
export function createFence(connection: BusConnection, askOutcomes: AskOutcomes): Fence & Disposable {
  let isOpen = true;

  async function askOnce(partition: number, questions: readonly Question[], leftMs: () => number) {
    const [{ epochMs }, minSequence] = await Promise.all([
      streamPosition(connection, "LOG"),
      lastSequenceOf(connection, "LOG", partition),
    ]);
    const request = { partition, epochMs, minSequence, attempts: [...questions] };
    const { settled } = await askOutcomes(request, Math.max(1, leftMs()));
    return questions.map((_, index) => answerOf(settled[index]));
  }

  /** A projector that is not there yet may be about to start: it is asked again until the time is over. */
  async function ask(partition: number, questions: readonly Question[]): Promise<readonly FenceAnswer[]> {
    const deadlineAtMs = performance.now() + ANSWER_MS_MAX;
    const leftMs = () => deadlineAtMs - performance.now();
    while (isOpen && leftMs() > 0) {
      try {
        return await askOnce(partition, questions, leftMs);
      } catch {
        await sleep(Math.min(RETRY_WAIT_MS, Math.max(0, leftMs())));
      }
    }
    return questions.map(() => "unknown");
  }

  const batchers = ALL_PARTITIONS.map(
    (partition) =>
      new Batcher<Question, FenceAnswer>({
        itemsMax: QUESTIONS_MAX,
        bytesMax: Number.POSITIVE_INFINITY,
        sizeOf: () => 0,
        inFlightMax: 1,
        send: (questions) => ask(partition, questions),
      }),
  );
  return {
    lookUp: async (partition, { deliveryId, attempt, release }) => {
      const batcher = batchers[partition];
      return batcher === undefined ? "unknown" : await inTime(batcher.add({ deliveryId, attempt, release }));
    },
    [Symbol.dispose]: () => {
      isOpen = false;
    },
  };
}

function answerOf(isSettled: boolean | undefined): FenceAnswer {
  if (isSettled === undefined) return "unknown";
  return isSettled ? "settled" : "open";
}

async function inTime(answer: Promise<FenceAnswer>): Promise<FenceAnswer> {
  const { promise: tooLate, resolve } = Promise.withResolvers<FenceAnswer>();
  const timer = setTimeout(() => resolve("unknown"), ANSWER_MS_MAX);
  try {
    return await Promise.race([answer, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
