/** A delivery that the log tells of, and whose work item is nowhere: what a lost message leaves behind. */

import { encodeLogEvents } from "@posthorn/contracts";
import { openDatabase } from "@posthorn/database";
import {
  type DeliveryEvent,
  deliveryIdOf,
  parseEventId,
  parseOrgId,
  parseWebhookId,
  partitionOf,
} from "@posthorn/domain";
import { BusConnection, Publisher, subjectOf } from "@posthorn/message-bus";
import { waitUntil } from "@posthorn/testkit";
import type { TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";
import { publishInsistently } from "./insistent-calls.ts";

/** Long enough ago for the reconciler to look at it. */
const AGE_MS = 600_000;

/** An organisation of another partition than this one: nothing else is queued there. */
export async function createTenantApart(stack: TestStack, from: Tenant): Promise<Tenant> {
  for (;;) {
    const tenant = await createTenant(stack, "apart");
    if (partitionOfTenant(tenant) !== partitionOfTenant(from)) return tenant;
  }
}

/** @returns the delivery's id. Its webhook gets no events of its own. */
export async function loseWork(stack: TestStack, tenant: Tenant, receiverUrl: string): Promise<string> {
  const webhook = await tenant.subscribe({ url: receiverUrl, events: ["nothing.such"] });
  const eventId = parsed(parseEventId(await publishInsistently(tenant, { type: "lost", id: "lost", data: {} })));
  await using database = openDatabase(stack.stack.databaseUrl, { poolMax: 1, applicationName: "test" });
  const stored = await waitUntil(
    () => database.db.selectFrom("events").selectAll().where("id", "=", eventId).executeTakeFirst(),
    { timeoutMs: 20_000, describe: "the event to be in history" },
  );
  const webhookId = parsed(parseWebhookId(webhook.id));
  const created: Extract<DeliveryEvent, { kind: "delivery.created" }> = {
    kind: "delivery.created",
    orgId: parsed(parseOrgId(tenant.orgId)),
    eventId,
    webhookId,
    deliveryId: deliveryIdOf(eventId, webhookId),
    atMs: Date.now() - AGE_MS,
    event: {
      type: stored.type,
      timestamp: undefined,
      acceptedAtMs: stored.accepted_at.getTime(),
      callerId: undefined,
      place: { epochMs: stored.place_epoch_ms, sequence: stored.place_sequence, index: stored.place_index },
      traceparent: "",
    },
    profile: "standard",
    eventTypePrefix: "",
    origin: { kind: "match" },
    hold: undefined,
  };
  await using connection = await BusConnection.open({ servers: stack.stack.natsUrl, name: "test" });
  using publisher = new Publisher(connection);
  const subject = subjectOf("LOG", partitionOfTenant(tenant));
  await publisher.publishUntilStored({ subject, payload: encodeLogEvents([created]), id: undefined });
  return created.deliveryId;
}

function partitionOfTenant({ orgId }: Tenant): number {
  return partitionOf(parsed(parseOrgId(orgId)));
}

function parsed<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not an id");
  return id;
}
