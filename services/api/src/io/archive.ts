/** The archive of LOG messages: what was recorded, as it was recorded. Read only. */

import { decodeLogEvents } from "@posthorn/contracts";
import type { Database } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import { type Kysely, sql } from "kysely";
import type { LogPosition } from "../core/present-log-event.ts";

/** A message with all events in it, also those of other deliveries and organisations. */
export type ArchivedMessage = { readonly position: LogPosition; readonly events: readonly LogEvent[] };

export type Archive = {
  /**
   * In the order of the positions; messages that retention has dropped are left out.
   * @param sinceMs no message was stored before; it spares looking through older days.
   */
  read(positions: readonly LogPosition[], sinceMs: number): Promise<readonly ArchivedMessage[]>;
};

/** Messages are stored by the clock of the broker, the events in them made by those of the services. */
const CLOCK_DIFFERENCE_MS_MAX = 24 * 3_600_000;

/** @param onUndecodable told of a message that this version cannot read. */
export function openArchive(
  db: Kysely<Database>,
  onUndecodable: (position: LogPosition, reason: string) => void,
): Archive {
  return {
    read: async (positions, sinceMs) => {
      if (positions.length === 0) return [];
      const { rows } = await sql<MessageRow>`
        select wanted.place, log.bytes
        from unnest(
          ${positions.map(({ partition }) => partition)}::smallint[],
          ${positions.map(({ epochMs }) => epochMs)}::bigint[],
          ${positions.map(({ sequence }) => sequence)}::bigint[]
        ) with ordinality as wanted (partition, epoch_ms, sequence, place)
        join delivery_log log using (partition, epoch_ms, sequence)
        where log.stored_at >= ${new Date(sinceMs - CLOCK_DIFFERENCE_MS_MAX)}
        order by wanted.place`.execute(db);
      return rows.flatMap(({ place, bytes }) => {
        const position = positions[place - 1];
        const decoded = decodeLogEvents(bytes);
        if (position === undefined) return [];
        if (decoded.kind === "decoded") return [{ position, events: decoded.value }];
        onUndecodable(position, decoded.reason);
        return [];
      });
    },
  };
}

type MessageRow = { readonly place: number; readonly bytes: Buffer };
