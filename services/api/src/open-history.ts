/** Builds what the routes of history need from Postgres and NATS. */

import type { OpenDatabase } from "@posthorn/database";
import type { BusConnection } from "@posthorn/message-bus";
import type { ApiEvents } from "./events.ts";
import type { Chance } from "./handlers/chance.ts";
import type { HistoryPorts } from "./history-routes.ts";
import { openAcceptOrder } from "./io/accept-order.ts";
import { openArchive } from "./io/archive.ts";
import { openAudit } from "./io/audit.ts";
import { payloadDeleter } from "./io/delete-payload.ts";
import { openDeliveries } from "./io/deliveries.ts";
import { openEvents } from "./io/events-table.ts";
import { openPayloadDeletions } from "./io/payload-deletions.ts";
import { payloadReader } from "./io/payload-reader.ts";
import { decisionRecorder } from "./io/record-decision.ts";
import { openReplays } from "./io/replays.ts";
import { deliveriesRetrier } from "./io/retry-deliveries.ts";
import { webhookStandingReader } from "./io/webhook-standing.ts";
import type { Webhooks } from "./io/webhooks.ts";

export type HistoryParts = {
  readonly db: OpenDatabase["db"];
  readonly connection: BusConnection;
  readonly webhooks: Webhooks;
  readonly chance: Chance;
  readonly events: ApiEvents;
};

export function openHistory({ db, connection, webhooks, chance, events }: HistoryParts): HistoryPorts {
  return {
    ...payloadReader(connection, openPayloadDeletions(db)),
    deliveries: openDeliveries(db),
    events: openEvents(db),
    archive: openArchive(db, events.undecodable),
    acceptOrder: openAcceptOrder(db, connection),
    replays: openReplays(db),
    audit: openAudit(db),
    webhookStanding: webhookStandingReader(db),
    recordDecision: decisionRecorder(db, chance),
    deletePayload: payloadDeleter(db, chance),
    retryDeliveries: deliveriesRetrier(db, chance),
    webhooks,
    chance,
  };
}
