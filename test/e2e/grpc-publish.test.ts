import { Metadata } from "@grpc/grpc-js";
import { IngestServiceClient, type PublishStreamResponse } from "@posthorn/contracts";
import { createGrpcClient } from "@posthorn/service-runtime";
import { type Receiver, startReceiver } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";

const EVENTS = 10_000;

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "grpc");
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

it("acknowledges and delivers each of 10,000 events of a PublishStream", async () => {
  await tenant.subscribe({ url: receiver.url, events: ["stream.*"] });
  const client = createGrpcClient(IngestServiceClient, stack.stack.ingestGrpcAddress);
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${tenant.key}`);
  const call = client.publishStream(metadata);
  const answers = new Map<number, PublishStreamResponse>();
  const ended = new Promise<void>((resolve, reject) => {
    call.on("data", (answer: PublishStreamResponse) => answers.set(answer.requestId, answer));
    call.on("end", resolve);
    call.on("error", reject);
  });
  for (let requestId = 1; requestId <= EVENTS; requestId += 1) {
    const event = { type: "stream.event", data: Buffer.from(`{"n":${requestId}}`), id: "", timestamp: "" };
    if (!call.write({ requestId, orgId: tenant.orgId, event })) {
      await new Promise<void>((resolve) => call.once("drain", resolve));
    }
  }
  call.end();
  await ended;
  client.close();

  expect(answers.size).toBe(EVENTS);
  const refused = [...answers.values()].filter((answer) => answer.result?.error !== undefined);
  expect(refused).toEqual([]);
  await receiver.waitFor(EVENTS, 60_000);
  const numbers = receiver.requests.map((request) => JSON.parse(request.body.toString()).data.n);
  expect(new Set(numbers).size).toBe(EVENTS);
  expect(numbers).toHaveLength(EVENTS);
});
