/** One thing of each kind that a path may name, in an organisation. For tests that walk all routes. */

import { randomBytes } from "node:crypto";
import { partitionOf, uuidv7 } from "@posthorn/domain";
import type { Call, Tenant, TestBackend } from "./api.fixture.ts";
import type { PathParameters } from "./core/path-parameters.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { deliveryRow, storeEvent } from "./history.fixture.ts";
import { createEventTypeRoute } from "./schemas/event-type.ts";
import { createWebhookRoute } from "./schemas/webhook.ts";

/** Parameters that no path of the native API has. */
type NamedByMounts = "externalId" | "attempt";

/** Returns the parameters of paths to them. */
export async function createThings(
  backend: TestBackend,
  call: Call,
  tenant: Tenant,
): Promise<Readonly<Record<Exclude<keyof PathParameters, NamedByMounts>, string>>> {
  const { org } = tenant;
  const webhook = (await call(createWebhookRoute, { path: { org }, body: WEBHOOK })).body.id;
  const eventType = (await call(createEventTypeRoute, { path: { org }, body: { name: "walk" } })).body.id;
  const stored = await storeEvent(backend, org);
  const delivery = deliveryRow(stored, webhook);
  await backend.database.db.insertInto("deliveries").values(delivery).execute();
  const replay = uuidv7(Date.now(), randomBytes(10));
  await backend.database.db
    .insertInto("replays")
    .values({
      id: replay,
      org_id: org,
      partition: partitionOf(stored.event.orgId),
      webhook_id: webhook,
      since: new Date(0),
      until: new Date(),
      statuses: [],
      types: [],
      started_by: "root",
      state: "running",
      total: null,
      done: 0,
      skipped: 0,
      cursor: "",
      created_at: new Date(),
      finished_at: null,
    })
    .execute();
  return { org, webhook, eventType, replay, key: tenant.adminKeyId, delivery: delivery.id, event: stored.event.id };
}
