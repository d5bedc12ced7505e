/** Serves the seed systems under their own mounts, each in its own words. */

import type { OpenDatabase } from "@posthorn/database";
import type { HttpServer } from "@posthorn/service-runtime";
import type { Chance } from "../handlers/chance.ts";
import { deliveryReader } from "../handlers/read-delivery.ts";
import { retryDelivery } from "../handlers/retry-delivery.ts";
import type { WebhookActs } from "../handlers/webhook-acts.ts";
import type { HistoryPorts } from "../history-routes.ts";
import type { CheckUrl } from "../io/check-url.ts";
import type { ServePorts } from "../io/serve-routes.ts";
import { openMountedDeliveries } from "./mounted-deliveries.ts";
import { openMountedWebhooks } from "./mounted-webhooks.ts";
import { circuitCloser } from "./mutx/close-circuit.ts";
import { serveMutx } from "./mutx/serve-mutx.ts";
import { serveNextmv } from "./nextmv/serve-nextmv.ts";
import { serveZnyx } from "./znyx/serve-znyx.ts";

export type MountPorts = {
  readonly db: OpenDatabase["db"];
  readonly serve: ServePorts;
  readonly acts: WebhookActs;
  readonly checkUrl: CheckUrl;
  readonly history: HistoryPorts;
  readonly chance: Chance;
};

export function serveMounts(app: HttpServer, ports: MountPorts): void {
  const { db, serve, acts, checkUrl, history, chance } = ports;
  const readDelivery = deliveryReader(history);
  const mountedDeliveries = openMountedDeliveries(db, readDelivery);
  serveZnyx(app, serve, { webhooks: openMountedWebhooks(db, "znyx"), acts, checkUrl });
  serveNextmv(app, serve, { webhooks: openMountedWebhooks(db, "nextmv"), mountedDeliveries, readDelivery, acts });
  serveMutx(app, serve, {
    webhooks: openMountedWebhooks(db, "mutx"),
    mountedDeliveries,
    deliveries: history.deliveries,
    retry: retryDelivery(history),
    acts,
    checkUrl,
    closeCircuit: circuitCloser(db, chance),
  });
}
