/** What history says of an organisation's deliveries, for a comparison with what its receivers got. */

import { decodeLogEvents } from "@posthorn/contracts";
import { openDatabase } from "@posthorn/database";
import type { TestStack } from "../../deploy/local/test-stack.ts";

/** Of all deliveries that a receiver knows by one `webhook-id`: the original and its replays. */
export type AttemptFigures = {
  readonly deliveries: number;
  readonly delivered: number;
  readonly attempts: number;
  /** Attempts that were made more than once, or of which that cannot be excluded. */
  readonly reportedRepeats: number;
};

export async function attemptFigures(stack: TestStack, orgId: string): Promise<ReadonlyMap<string, AttemptFigures>> {
  await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
  const rows = await database.db
    .selectFrom("deliveries")
    .select(["id", "replay_of", "status", "attempt_count", "repeated_attempts"])
    .where("org_id", "=", orgId)
    .execute();
  const marked = await markedAttempts(database, orgId);
  const figures = new Map<string, AttemptFigures>();
  for (const row of rows) {
    const messageId = row.replay_of ?? row.id;
    const before = figures.get(messageId) ?? { deliveries: 0, delivered: 0, attempts: 0, reportedRepeats: 0 };
    figures.set(messageId, {
      deliveries: before.deliveries + 1,
      delivered: before.delivered + (row.status === "delivered" ? 1 : 0),
      attempts: before.attempts + row.attempt_count,
      reportedRepeats: before.reportedRepeats + row.repeated_attempts + (marked.get(row.id) ?? 0),
    });
  }
  return figures;
}

/** Deliveries, with how many of their attempts in the log say that they may have been made before. */
async function markedAttempts(
  { db }: ReturnType<typeof openDatabase>,
  orgId: string,
): Promise<ReadonlyMap<string, number>> {
  const archived = await db.selectFrom("delivery_log").select("bytes").execute();
  const marked = new Map<string, number>();
  for (const { bytes } of archived) {
    const decoded = decodeLogEvents(bytes);
    if (decoded.kind === "undecodable") throw new Error(decoded.reason);
    for (const event of decoded.value) {
      if (event.kind !== "attempt.succeeded" && event.kind !== "attempt.failed") continue;
      if (event.orgId !== orgId || !event.attempt.possibleRepeat) continue;
      marked.set(event.deliveryId, (marked.get(event.deliveryId) ?? 0) + 1);
    }
  }
  return marked;
}
