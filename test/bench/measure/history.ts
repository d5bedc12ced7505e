/** Waits until the history of an organisation says what the bench knows to be true. */

import { setTimeout as sleep } from "node:timers/promises";
import { openDatabase } from "@posthorn/database";
import { type OrgId, partitionOf } from "@posthorn/domain";
import type { TestStack } from "../../../deploy/local/test-stack.ts";
import type { Tenant } from "../../tenant.ts";

/** When the projector has not moved on for so long, nothing more will come. */
const STANDSTILL_MS = 60_000;
const LOOK_EVERY_MS = 50;
/** Counting rows is load of its own: it may take one part in so many of the time. */
const LOOKING_SHARE = 20;

export type History = AsyncDisposable & {
  /** Returns when so many deliveries are delivered, and nothing of the organisation's partition is open. */
  complete(deliveries: number): Promise<void>;
  /** Returns when there are so many deliveries, in whatever state. */
  holdsDeliveries(deliveries: number): Promise<void>;
  /** Returns when there are so many events. @returns how many there are. */
  holdsEvents(events: number): Promise<number>;
};

/** Counts what is created from now on. */
export function openHistory({ stack }: TestStack, { orgId }: Tenant): History {
  const database = openDatabase(stack.databaseUrl, { poolMax: 1, applicationName: "bench", statementTimeoutMs: 0 });
  const partition = partitionOf(orgId as OrgId); // as the api answered it
  const since = new Date();
  const count = async (text: string, ...values: unknown[]) =>
    Number((await database.pool.query(`select count(*) as n from ${text}`, values)).rows[0].n);
  const mine = "org_id = $1 and created_at >= $2";
  /** Found by an index of its own, which is as short as what is open. */
  const open = () =>
    count("(select from deliveries where partition = $1 and completed_at is null limit 1) as one", partition);
  const delivered = () => count(`deliveries where ${mine} and status = 'delivered'`, orgId, since);

  const lastProjected = async () => {
    const text = "select coalesce(max(sequence), 0) as n from projector_checkpoint where partition = $1";
    return Number((await database.pool.query(text, [partition])).rows[0].n);
  };
  const wait = (what: string, wanted: number, seen: () => Promise<number>) =>
    untilReached({ what, wanted, count: seen, progress: lastProjected });

  return {
    complete: async (wanted) => {
      await wait("finished deliveries", wanted, async () => ((await open()) > 0 ? 0 : delivered()));
    },
    holdsDeliveries: async (wanted) => {
      await wait("deliveries", wanted, () => count(`deliveries where ${mine}`, orgId, since));
    },
    holdsEvents: (wanted) =>
      wait("events", wanted, () => count("events where org_id = $1 and accepted_at >= $2", orgId, since)),
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

type Awaited = {
  readonly what: string;
  readonly wanted: number;
  readonly count: () => Promise<number>;
  /** Grows as long as anything happens. */
  readonly progress: () => Promise<number>;
};

async function untilReached({ what, wanted, count, progress }: Awaited): Promise<number> {
  let [movedMs, lastProgress] = [performance.now(), -1];
  for (;;) {
    const askedMs = performance.now();
    const seen = await count();
    if (seen >= wanted) return seen;
    const now = await progress();
    if (now !== lastProgress) [movedMs, lastProgress] = [performance.now(), now];
    if (performance.now() - movedMs > STANDSTILL_MS) {
      throw new Error(`history stands still at ${seen} of ${wanted} ${what}`);
    }
    await sleep(Math.max(LOOK_EVERY_MS, (performance.now() - askedMs) * LOOKING_SHARE));
  }
}
