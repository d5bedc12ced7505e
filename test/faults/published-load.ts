/** A load of numbered events and a receiver that counts them: what was accepted, what arrived, and how often. */

import { decodeLogEvents } from "@posthorn/contracts";
import { openDatabase } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import type { TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";

export type Load = AsyncDisposable & {
  readonly tenant: Tenant;
  readonly receiver: Receiver;
  /** Ids of the events that were accepted. */
  readonly accepted: ReadonlySet<string>;
  /** What ingest answered to those that were not, by status; 0: no answer at all. */
  readonly refused: ReadonlyMap<number, number>;
  /** Deliveries that arrived, by `webhook-id`, with how often. */
  arrivals(): ReadonlyMap<string, number>;
  /** Publishes this many events, again and again until each is accepted. */
  publish(count: number): Promise<void>;
  /** Waits until every accepted event has arrived. */
  allArrived(timeoutMs: number): Promise<void>;
};

export type LoadOptions = { readonly eventsPerSecond: number };

const BATCH = 10;

export async function openLoad(stack: TestStack, options: LoadOptions): Promise<Load> {
  const tenant = await createTenant(stack, "load");
  const receiver = await startReceiver();
  await tenant.subscribe({ url: receiver.url, events: ["load.*"] });
  const accepted = new Set<string>();
  const refused = new Map<number, number>();
  let lastNumber = 0;

  /** A caller's id makes the repeat of an unanswered publish harmless. */
  async function publishOne(number: number): Promise<void> {
    const event = { type: "load.event", id: `load-${number}`, data: { number } };
    for (;;) {
      const answer = await tenant.ingest("POST", `/v1/orgs/${tenant.orgId}/events`, event).catch(() => undefined);
      if (answer?.status === 202) {
        accepted.add((answer.body as { id: string }).id);
        return;
      }
      const status = answer?.status ?? 0;
      refused.set(status, (refused.get(status) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  const arrivals = () => {
    const counts = new Map<string, number>();
    for (const request of receiver.requests) {
      const id = request.header("webhook-id") ?? "";
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return counts;
  };

  return {
    tenant,
    receiver,
    accepted,
    refused,
    arrivals,
    publish: async (count) => {
      const pending: Promise<void>[] = [];
      for (let sent = 0; sent < count; sent += BATCH) {
        for (let index = 0; index < BATCH; index += 1) {
          lastNumber += 1;
          pending.push(publishOne(lastNumber));
        }
        await new Promise((resolve) => setTimeout(resolve, (BATCH * 1_000) / options.eventsPerSecond));
      }
      await Promise.all(pending);
    },
    allArrived: (timeoutMs) =>
      waitUntil(() => arrivals().size >= accepted.size, {
        timeoutMs,
        describe: () => `${accepted.size} accepted events to arrive, of which ${arrivals().size} did`,
      }).then(() => undefined),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
}

/** Repeats that Posthorn itself reports: attempts marked as possible repeats in the log, and outcomes that came twice. */
export async function reportedRepeats(stack: TestStack, tenant: Tenant): Promise<number> {
  await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
  const archived = await database.db.selectFrom("delivery_log").select("bytes").execute();
  const marked = archived
    .flatMap(({ bytes }) => logEventsOf(bytes))
    .filter((event) => "attempt" in event && typeof event.attempt === "object" && event.attempt.possibleRepeat);
  const counted = await database.db
    .selectFrom("deliveries")
    .select((row) => row.fn.sum<number>("repeated_attempts").as("repeats"))
    .where("org_id", "=", tenant.orgId)
    .executeTakeFirstOrThrow();
  return marked.length + Number(counted.repeats);
}

function logEventsOf(bytes: Buffer): readonly LogEvent[] {
  const decoded = decodeLogEvents(bytes);
  if (decoded.kind === "undecodable") throw new Error(decoded.reason);
  return decoded.value;
}
