/** Makes the archive's daily partitions ahead of time, at the start and then every hour. */

import type { Pool } from "@posthorn/database";
import type { ProjectorEvents } from "../events.ts";

const EVERY_MS = 3_600_000;
/** Today and the days after it. Days that nobody prepared are caught by the default partition. */
const DAYS_AHEAD = 4;

/** Returns after the first try, so that the day's first rows do not meet their partition while it is made. */
export async function prepareArchive(
  pool: Pool,
  events: Pick<ProjectorEvents, "partitionsNotPrepared">,
): Promise<Disposable> {
  const prepare = async (): Promise<void> => {
    const today = new Date().toISOString().slice(0, "2026-03-24".length);
    await pool
      .query("select ensure_delivery_log_partitions($1, $2)", [today, DAYS_AHEAD])
      .catch((error: unknown) => events.partitionsNotPrepared(error));
  };
  await prepare();
  const timer = setInterval(() => void prepare(), EVERY_MS);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}
