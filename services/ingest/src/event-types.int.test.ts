import { promisify } from "node:util";
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import type { PublishBatchRequest, PublishBatchResponse, PublishRequest, PublishResponse } from "@posthorn/contracts";
import type { OrgId } from "@posthorn/domain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  metadataWith,
  newEventTypeId,
  openTestBus,
  publishOnStream,
  ROOT_KEY,
  startReadyIngest,
  type TestBus,
  type TestIngest,
} from "./ingest.fixture.ts";

const SCHEMA = { type: "object", required: ["amount"], properties: { amount: { type: "number" } } };
const LOOSE = { type: "anything", data: 1 };
const FITS = { type: "order.paid", data: { amount: 5 } };
const MISFIT = { type: "order.paid", data: { amount: "5" } };

let bus: TestBus;
let ingest: TestIngest;
/** Takes only the types of its catalogue, of which `order.paid` has a schema. */
let strictOrg: OrgId;
beforeAll(async () => {
  bus = await openTestBus();
  ingest = await startReadyIngest(bus.nats.url);
  strictOrg = await bus.createOrganisation({ strictEventTypes: true });
  await bus.writeEventType(strictOrg, { id: newEventTypeId(), name: "order.paid", schema: SCHEMA, version: 1 });
});
afterAll(async () => {
  await ingest[Symbol.asyncDispose]();
  await bus[Symbol.asyncDispose]();
});

const wire = ({ type, data }: { type: string; data: unknown }) => ({
  type,
  data: Buffer.from(JSON.stringify(data)),
  id: "",
  timestamp: "",
});

function publish(request: PublishRequest, metadata = metadataWith(ROOT_KEY)): Promise<PublishResponse> {
  const call = ingest.client.publish.bind(ingest.client);
  return promisify<PublishRequest, Metadata, PublishResponse>(call)(request, metadata);
}

function publishBatch(request: PublishBatchRequest): Promise<PublishBatchResponse> {
  const call = ingest.client.publishBatch.bind(ingest.client);
  return promisify<PublishBatchRequest, Metadata, PublishBatchResponse>(call)(request, metadataWith(ROOT_KEY));
}

describe("an organisation that takes only the types of its catalogue", () => {
  it("refuses others, and data that does not fit, over HTTP", async () => {
    expect((await ingest.publish(strictOrg, FITS)).status).toBe(202);
    expect(await ingest.publish(strictOrg, LOOSE)).toMatchObject({
      status: 422,
      body: { type: "urn:posthorn:problem:unknown_event_type", errors: [{ path: "/type" }] },
    });
    expect(await ingest.publish(strictOrg, MISFIT)).toMatchObject({
      status: 422,
      body: {
        type: "urn:posthorn:problem:data_misfit",
        detail: "The event's data/amount must be number.",
        errors: [{ path: "/data/amount", message: "must be number" }],
      },
    });
  });

  it("gives every event of a batch its own answer", async () => {
    const { status: answered, body } = await ingest.publishBatch(strictOrg, [FITS, LOOSE, MISFIT]);
    expect(answered).toBe(202);
    expect(body.results).toMatchObject([
      { duplicate: false },
      { error: { code: "unknown_event_type", errors: [{ path: "/type" }] } },
      { error: { code: "data_misfit", errors: [{ path: "/data/amount" }] } },
    ]);
    const refused = await ingest.publishBatch(strictOrg, [LOOSE, MISFIT]);
    expect(refused.status).toBe(422);
    expect(refused.body.errors?.map(({ path }) => path)).toEqual(["/events/0/type", "/events/1/data/amount"]);
  });

  it("refuses the same over gRPC, alone, in a batch and in a stream", async () => {
    const failure = await publish({ orgId: strictOrg, event: wire(MISFIT) }).catch((error: ServiceError) => error);
    expect(failure).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "data_misfit: The event's data/amount must be number.",
    });
    const codes = [undefined, "unknown_event_type", "data_misfit"];
    const events = [FITS, LOOSE, MISFIT].map(wire);
    const { results } = await publishBatch({ orgId: strictOrg, events });
    expect(results.map(({ error }) => error?.code)).toEqual(codes);
    const requests = events.map((event, index) => ({ requestId: index, orgId: strictOrg, event }));
    const { answers } = await publishOnStream(ingest.client, ROOT_KEY, requests);
    const byRequest = new Map(answers.map(({ requestId, result }) => [requestId, result?.error?.code]));
    expect(requests.map(({ requestId }) => byRequest.get(requestId))).toEqual(codes);
  });

  it("takes a type as soon as its creation has returned, and holds data against a schema as soon, 100 times", async () => {
    for (let round = 0; round < 100; round += 1) {
      const id = newEventTypeId();
      const event = { type: `round.${round}`, data: { amount: "five" } };
      await bus.writeEventType(strictOrg, { id, name: event.type, version: 1, schema: SCHEMA });
      expect((await ingest.publish(strictOrg, event)).status).toBe(422);
      await bus.writeEventType(strictOrg, { id, name: event.type, version: 2 });
      expect((await ingest.publish(strictOrg, event)).status).toBe(202);
    }
  });

  it("does not bind others", async () => {
    const org = await bus.createOrganisation();
    expect((await ingest.publish(org, LOOSE)).status).toBe(202);
    expect((await ingest.publish(org, MISFIT)).status).toBe(202);
  });
});

describe("an organisation that takes any type", () => {
  it("still holds data against the schemas that it has", async () => {
    const org = await bus.createOrganisation();
    await bus.writeEventType(org, { id: newEventTypeId(), name: "order.paid", schema: SCHEMA, version: 1 });
    // The schema is news that nobody waits for here; it is there once the organisation's next news is.
    const { key } = await bus.createKey(org);
    const headers = { authorization: `Bearer ${key}` };
    expect((await ingest.publish(org, LOOSE, headers)).status).toBe(202);
    expect((await ingest.publish(org, MISFIT, headers)).status).toBe(422);
    expect((await ingest.publish(org, FITS, headers)).status).toBe(202);
  });
});

describe("what publishers may say of an event", () => {
  it("is not that it is an operational one", async () => {
    const org = await bus.createOrganisation();
    expect(await ingest.publish(org, { type: "posthorn.webhook.disabled", data: 1 })).toMatchObject({
      status: 422,
      body: { type: "urn:posthorn:problem:invalid_event", errors: [{ path: "/type" }] },
    });
    const event = wire({ type: "posthorn.x", data: 1 });
    const { results } = await publishBatch({ orgId: org, events: [event] });
    expect(results[0]?.error?.code).toBe("invalid_event");
  });

  it("is how many deliveries led to it, which is stored", async () => {
    const org = await bus.createOrganisation();
    await ingest.publish(org, { type: "http", data: 1 }, { "posthorn-hops": "2" });
    await publish(
      { orgId: org, event: wire({ type: "grpc", data: 1 }) },
      metadataWith(ROOT_KEY, { "posthorn-hops": "3" }),
    );
    await ingest.publish(org, { type: "none", data: 1 });
    const stored = (await bus.storedGroups()).flat().filter(({ orgId }) => orgId === org);
    expect(stored.map(({ type, hops, forWebhook }) => [type, hops, forWebhook])).toEqual([
      ["http", 2, undefined],
      ["grpc", 3, undefined],
      ["none", 0, undefined],
    ]);
    expect(await ingest.publish(org, LOOSE, { "posthorn-hops": "-1" })).toMatchObject({
      status: 422,
      body: { type: "urn:posthorn:problem:invalid_hops", errors: [{ path: "posthorn-hops" }] },
    });
  });
});
