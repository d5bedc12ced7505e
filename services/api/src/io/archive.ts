/** The archive of LOG messages: what was recorded, as it was recorded. Read only. */

import { decodeLogEventsNaming } from "@posthorn/contracts";
import type { Database } from "@posthorn/database";
import type { DeliveryEvent, DeliveryId, OrgId } from "@posthorn/domain";
import { type Kysely, sql } from "kysely";
import { eventsOfDelivery } from "../core/archived-attempts.ts";
import type { LogPosition } from "../core/present-log-event.ts";

/** What a message says of one delivery. */
export type ArchivedMessage = { readonly position: LogPosition; readonly events: readonly DeliveryEvent[] };

export type ArchivedDelivery = {
  readonly orgId: OrgId;
  readonly id: DeliveryId;
  /** Nothing of it was stored before its event was accepted: that spares looking through older days. */
  readonly acceptedAtMs: number;
};

export type Archive = {
  /**
   * In the order of the positions; messages that retention has dropped, and those that cannot be decoded, are left out.
   * @param positions some of the delivery's.
   */
  read(delivery: ArchivedDelivery, positions: readonly LogPosition[]): Promise<readonly ArchivedMessage[]>;
};

/** Messages are stored by the clock of the broker, the events in them made by those of the services. */
const CLOCK_DIFFERENCE_MS_MAX = 24 * 3_600_000;
/** A message has up to three quarters of a megabyte; hardly any delivery was told of in more than these. */
const MESSAGES_AT_ONCE = 16;

/** @param onUndecodable told of a message that this version cannot read. */
export function openArchive(
  db: Kysely<Database>,
  onUndecodable: (position: LogPosition, reason: string) => void,
): Archive {
  async function readSome(
    { orgId, id, acceptedAtMs }: ArchivedDelivery,
    positions: readonly LogPosition[],
  ): Promise<readonly ArchivedMessage[]> {
    const { rows } = await sql<MessageRow>`
      select wanted.place, log.bytes
      from unnest(
        ${positions.map(({ partition }) => partition)}::smallint[],
        ${positions.map(({ epochMs }) => epochMs)}::bigint[],
        ${positions.map(({ sequence }) => sequence)}::bigint[]
      ) with ordinality as wanted (partition, epoch_ms, sequence, place)
      join delivery_log log using (partition, epoch_ms, sequence)
      where log.stored_at >= ${new Date(acceptedAtMs - CLOCK_DIFFERENCE_MS_MAX)}
      order by wanted.place`.execute(db);
    return rows.flatMap(({ place, bytes }) => {
      const position = positions[place - 1];
      const decoded = decodeLogEventsNaming(bytes, id);
      if (position === undefined) return [];
      if (decoded.kind === "decoded") return [{ position, events: eventsOfDelivery(decoded.value, orgId, id) }];
      onUndecodable(position, decoded.reason);
      return [];
    });
  }

  return {
    read: async (delivery, positions) => {
      const messages: ArchivedMessage[] = [];
      for (let at = 0; at < positions.length; at += MESSAGES_AT_ONCE) {
        messages.push(...(await readSome(delivery, positions.slice(at, at + MESSAGES_AT_ONCE))));
      }
      return messages;
    },
  };
}

type MessageRow = { readonly place: number; readonly bytes: Buffer };
