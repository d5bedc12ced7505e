/** Events, deliveries, replays and the audit: every route of theirs and the handler that answers it. */

import { type CatchUpPorts, catchUp } from "./handlers/catch-up.ts";
import { type DeletePayloadPorts, deletePayload } from "./handlers/delete-payload.ts";
import { type ExplainPorts, explainEvent, explainType } from "./handlers/explain.ts";
import { getDelivery } from "./handlers/get-delivery.ts";
import { getDeliveryLog } from "./handlers/get-delivery-log.ts";
import { getEvent } from "./handlers/get-event.ts";
import { getReplay } from "./handlers/get-replay.ts";
import { listAudit } from "./handlers/list-audit.ts";
import { listDeliveries, listWebhookDeliveries } from "./handlers/list-deliveries.ts";
import { listReplays } from "./handlers/list-replays.ts";
import { deliveryReader, type ReadDeliveryPorts } from "./handlers/read-delivery.ts";
import { type RetryDeliveryPorts, retryDelivery } from "./handlers/retry-delivery.ts";
import { type RetryDeliveriesPorts, retryExhausted } from "./handlers/retry-exhausted.ts";
import { type StartReplayPorts, startReplay } from "./handlers/start-replay.ts";
import type { Audit } from "./io/audit.ts";
import type { Deliveries } from "./io/deliveries.ts";
import type { Events } from "./io/events-table.ts";
import type { Replays } from "./io/replays.ts";
import type { ServeRoute } from "./io/serve-routes.ts";
import type { Webhooks } from "./io/webhooks.ts";
import { listAuditRoute } from "./schemas/audit.ts";
import {
  getDeliveryLogRoute,
  getDeliveryRoute,
  listDeliveriesRoute,
  listWebhookDeliveriesRoute,
  retryDeliveriesRoute,
  retryDeliveryRoute,
} from "./schemas/delivery.ts";
import { deletePayloadRoute, getEventRoute, listEventsRoute } from "./schemas/event.ts";
import { explainEventRoute, explainTypeRoute } from "./schemas/explain.ts";
import { getReplayRoute, listReplaysRoute, startReplayRoute } from "./schemas/replay.ts";

type Ports = ReadDeliveryPorts &
  CatchUpPorts &
  DeletePayloadPorts &
  ExplainPorts &
  RetryDeliveryPorts &
  RetryDeliveriesPorts &
  StartReplayPorts;

export type HistoryPorts = Ports & {
  readonly deliveries: Deliveries;
  readonly events: Events;
  readonly replays: Replays;
  readonly audit: Audit;
  readonly webhooks: Pick<Webhooks, "hasExisted" | "list">;
};

export function addHistoryRoutes(serve: ServeRoute, ports: HistoryPorts): void {
  serve(listDeliveriesRoute, listDeliveries(ports));
  serve(listWebhookDeliveriesRoute, listWebhookDeliveries(ports));
  serve(getDeliveryRoute, getDelivery(deliveryReader(ports)));
  serve(getDeliveryLogRoute, getDeliveryLog(ports));
  serve(retryDeliveryRoute, retryDelivery(ports));
  serve(retryDeliveriesRoute, retryExhausted(ports));
  serve(startReplayRoute, startReplay(ports));
  serve(listReplaysRoute, listReplays(ports));
  serve(getReplayRoute, getReplay(ports));
  serve(listEventsRoute, catchUp(ports));
  serve(getEventRoute, getEvent(ports));
  serve(explainEventRoute, explainEvent(ports));
  serve(explainTypeRoute, explainType(ports));
  serve(deletePayloadRoute, deletePayload(ports));
  serve(listAuditRoute, listAudit(ports));
}
