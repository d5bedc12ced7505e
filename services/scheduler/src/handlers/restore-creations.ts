/** Has deliveries go on, or end, whose creation LOG has lost: see `core/lost-creation.ts`. */

import { wordOnLostCreation } from "../core/lost-creation.ts";
import { findUncreated } from "../io/uncreated-deliveries.ts";
import { projectionOfNow } from "./await-projection.ts";
import type { ReconcilePorts } from "./reconcile.ts";

export type RestorePorts = Pick<ReconcilePorts, "pool" | "connection" | "writeLog" | "events" | "quietForMs" | "nowMs">;

/** What looks lost is looked at once more behind the end of LOG: its creation may have been read meanwhile. */
export async function restoreCreations(ports: RestorePorts, partition: number): Promise<void> {
  const { pool, connection, writeLog, events, nowMs } = ports;
  const quietSinceMs = nowMs() - ports.quietForMs();
  if ((await findUncreated(pool, partition, quietSinceMs)).length === 0) return;
  if (!(await projectionOfNow(pool, connection, partition))) return;
  const lost = await findUncreated(pool, partition, quietSinceMs);
  await writeLog(lost.map((delivery) => wordOnLostCreation(delivery, nowMs())));
  for (const { deliveryId } of lost) events.reconciled(deliveryId);
}
