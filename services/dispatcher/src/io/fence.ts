/**
 * The fence: asks the projector whether an attempt that may be a repeat has an outcome already. The question is asked
 * behind the partition's last log message, and waits a bounded time: better a counted repeat than a lost delivery.
 */

import { type OutcomesResponse, ProjectionServiceClient } from "@posthorn/contracts";
import { ALL_PARTITIONS, type DeliveryId } from "@posthorn/domain";
import { type BusConnection, lastSequenceOf, streamPosition } from "@posthorn/message-bus";
import { callUnary, createGrpcClient } from "@posthorn/service-runtime";
import { Batcher } from "./batcher.ts";

export type FenceAnswer =
  /** It has an outcome, or its delivery has ended: do not send. */
  | "settled"
  | "open"
  /** Nobody could say in time: send, and count it as a possible repeat. */
  | "unknown";

export type Fence = {
  lookUp(partition: number, delivery: DeliveryId, attempt: number): Promise<FenceAnswer>;
};

const ANSWER_MS_MAX = 5_000;
const QUESTIONS_MAX = 1_000;

type Question = { readonly deliveryId: DeliveryId; readonly attempt: number };

export function openFence(connection: BusConnection, projectorTarget: string): Fence & Disposable {
  const client = createGrpcClient(ProjectionServiceClient, projectorTarget);

  async function ask(partition: number, questions: readonly Question[]): Promise<readonly FenceAnswer[]> {
    try {
      const [{ epochMs }, minSequence] = await Promise.all([
        streamPosition(connection, "LOG"),
        lastSequenceOf(connection, "LOG", partition),
      ]);
      const request = { partition, epochMs, minSequence, attempts: [...questions] };
      const { settled } = await callUnary<typeof request, OutcomesResponse>(client.outcomes.bind(client), request, {
        deadlineMs: ANSWER_MS_MAX,
      });
      return questions.map((_, index) => (settled[index] === true ? "settled" : "open"));
    } catch {
      return questions.map(() => "unknown");
    }
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
    lookUp: async (partition, deliveryId, attempt) =>
      (await batchers[partition]?.add({ deliveryId, attempt })) ?? "unknown",
    [Symbol.dispose]: () => client.close(),
  };
}
