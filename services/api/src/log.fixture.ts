/** What stands in LOG, and a stand-in for those who work on it. For tests only. */

import { decodeLogEvents } from "@posthorn/contracts";
import { type LogEvent, parseOrgId, partitionOf } from "@posthorn/domain";
import { lastSequenceOf, messageAt, streamPosition, subjectOf, WorkSource } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import type { TestBackend } from "./api.fixture.ts";
import { parsed } from "./history.fixture.ts";

export function partitionOfOrg(org: string): number {
  return partitionOf(parsed(parseOrgId(org)));
}

/** The organisation's events, one list per message, in the order of LOG. */
export async function loggedMessages(backend: TestBackend, org: string): Promise<readonly (readonly LogEvent[])[]> {
  const { connection } = backend;
  const { firstSequence, lastSequence } = await streamPosition(connection, "LOG");
  const messages: LogEvent[][] = [];
  for (let sequence = firstSequence; sequence <= lastSequence; sequence += 1) {
    const message = await messageAt(connection, "LOG", sequence);
    if (message?.subject !== subjectOf("LOG", partitionOfOrg(org))) continue;
    const decoded = decodeLogEvents(message.data);
    if (decoded.kind !== "decoded") throw new Error(decoded.reason);
    const ofOrg = decoded.value.filter((event) => event.orgId === org);
    if (ofOrg.length > 0) messages.push(ofOrg);
  }
  return messages;
}

/** Of one kind. */
export async function loggedEvents<Kind extends LogEvent["kind"]>(backend: TestBackend, org: string, kind: Kind) {
  const events = (await loggedMessages(backend, org)).flat();
  return events.filter((event): event is Extract<LogEvent, { kind: Kind }> => event.kind === kind);
}

/** Takes what is in INGEST as a matcher does, and acknowledges it when told to. */
export interface StandInMatcher extends Disposable {
  /** @param count messages that are waiting. */
  workOff(count: number): Promise<void>;
  /** Takes one without acknowledging it; what comes back acknowledges it. */
  hold(): Promise<() => void>;
}

export async function startStandInMatcher({ connection }: TestBackend): Promise<StandInMatcher> {
  const options = { stream: "INGEST", worker: "matcher", prefetchMax: 64, leaseMs: 60_000 } as const;
  const source = await WorkSource.open(connection, { ...options, onTrouble: () => {} });
  const takeOne = async () => {
    let message = source.take(1)[0];
    await waitUntil(() => {
      message ??= source.take(1)[0];
      return message !== undefined;
    });
    if (message === undefined) throw new Error("there is nothing to match");
    return message;
  };
  return {
    workOff: async (count) => {
      for (let done = 0; done < count; done += 1) (await takeOne()).ack();
    },
    hold: async () => {
      const message = await takeOne();
      return () => message.ack();
    },
    [Symbol.dispose]: () => source[Symbol.dispose](),
  };
}

/** Says that the projection has come to the end of what LOG holds of the partition. */
export async function projectAll({ connection, database }: TestBackend, partition: number): Promise<void> {
  const { epochMs } = await streamPosition(connection, "LOG");
  const sequence = await lastSequenceOf(connection, "LOG", partition);
  const columns = { stream_epoch_ms: epochMs, epoch_ms: epochMs, sequence, message_fingerprint: null };
  await database.db
    .insertInto("projector_checkpoint")
    .values({ partition, ...columns })
    .onConflict((conflict) => conflict.column("partition").doUpdateSet(columns))
    .execute();
}
