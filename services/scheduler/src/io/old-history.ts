/**
 * Asks the database to forget what is old. What may go and what stays is decided there, whatever is asked: see the
 * migration of retention in packages/database.
 */

import type { OpenDatabase } from "@posthorn/database";

/** `records`: replays that are over, webhooks taken out of service. */
export type HistoryPart = "deliveries" | "events" | "records" | "audit";

export type RetiredPage = {
  readonly retired: number;
  /** The id of the last event that the page came to; undefined: nothing was retired, or there is no order. */
  readonly reached: string | undefined;
};

/** `busy`: a rebuild runs, or somebody reads the day; try again later. */
export type DroppedDay =
  | { readonly kind: "dropped"; readonly day: string }
  | { readonly kind: "nothing" }
  | { readonly kind: "busy" };

export type OldHistory = {
  /**
   * Forgets some rows from before a moment, those of the oldest events first.
   * @param behind an event's id: older ones are not looked at again.
   * @returns undefined when a rebuild runs, which needs history to hold still.
   */
  retire(part: HistoryPart, beforeMs: number, behind: string, rowsMax: number): Promise<RetiredPage | undefined>;
  /** The oldest day of the archive, if nothing needs it any more. */
  dropOldestDay(): Promise<DroppedDay>;
};

export const FIRST_EVENT_ID = "00000000-0000-0000-0000-000000000000";

export function openOldHistory(pool: OpenDatabase["pool"]): OldHistory {
  return {
    retire: async (part, beforeMs, behind, rowsMax) => {
      const { rows } = await pool.query<{ retired: number; reached: string | null }>(
        "select retired, reached from retire_history($1, $2, $3, $4)",
        [part, new Date(beforeMs), behind, rowsMax],
      );
      const [row] = rows;
      return row === undefined ? undefined : { retired: row.retired, reached: row.reached ?? undefined };
    },
    dropOldestDay: async () => {
      const { rows } = await pool.query<{ outcome: DroppedDay["kind"]; day: string | null }>(
        "select outcome, to_char(day, 'YYYY-MM-DD') as day from drop_oldest_delivery_log_day()",
      );
      const [{ outcome, day } = { outcome: "nothing" as const, day: null }] = rows;
      return outcome === "dropped" ? { kind: "dropped", day: day ?? "" } : { kind: outcome };
    },
  };
}
