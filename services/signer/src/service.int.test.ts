import { type EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { status } from "@grpc/grpc-js";
import type { SignResult, SignStreamResponse } from "@posthorn/contracts";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { revealed, SECRET, sealed, signBatches, signItem, startTestSigner, WEBHOOK_ID } from "./signer.fixture.ts";

let running: Awaited<ReturnType<typeof startTestSigner>>;
beforeAll(async () => {
  running = await startTestSigner();
});
afterAll(() => running[Symbol.asyncDispose]());

describe("SignStream", () => {
  it("gives headers that a receiver's library accepts, for a secret that was sealed before", async () => {
    const { client } = running;
    const body = '{"n":123456789012345678901234567890}';
    const timestampS = Math.floor(Date.now() / 1_000);
    const item = signItem(await sealed(client), { body: Buffer.from(body), timestampS, profile: "mutx" });
    const [answer] = await signBatches(client, [{ batchId: 1, items: [item] }]);
    const headers = headersOf(answer?.results[0]);
    expect(new Webhook(SECRET).verify(body, headers, { jsonParse: false })).toBeUndefined();
    expect(Object.keys(headers)).toContain("X-Webhook-Signature");
  });

  it("gives the token and the custom headers of a webhook, and says that they are secrets", async () => {
    const { client } = running;
    const item = signItem(await sealed(client), {
      sealedToken: await sealed(client, "t0ken", WEBHOOK_ID, "token"),
      sealedHeaders: await sealed(client, '{"X-Team":"blue"}', WEBHOOK_ID, "headers"),
    });
    const [answer] = await signBatches(client, [{ batchId: 1, items: [item] }]);
    expect(answer?.results[0]?.headers.slice(3)).toEqual([
      { name: "Authorization", value: "Bearer t0ken", secret: true },
      { name: "X-Team", value: "blue", secret: true },
    ]);
    expect(answer?.results[0]?.headers.slice(0, 3).map(({ secret }) => secret)).toEqual([false, false, false]);
  });

  it("repeats nothing of the item to whoever asks for that", async () => {
    const { client } = running;
    const items = [signItem(await sealed(client))];
    const answers = await signBatches(client, [
      { batchId: 1, items },
      { batchId: 2, items, withoutStated: true },
    ]);
    const [whole, rest] = answers.map(({ results }) => results[0]?.headers);
    expect(whole?.map(({ name }) => name)).toEqual(["webhook-id", "webhook-timestamp", "webhook-signature"]);
    expect(rest).toEqual(whole?.slice(2));
  });

  it("answers every batch under its id, its items in order", async () => {
    const { client } = running;
    const secret = await sealed(client);
    const ids = [7, 3, 9_007_199_254_740_991];
    const batches = ids.map((batchId) => ({
      batchId,
      items: Array.from({ length: 64 }, (_, index) => signItem(secret, { messageId: `msg_${batchId}_${index}` })),
    }));
    const answers = await signBatches(client, batches);
    expect(answers.map(({ batchId }) => batchId)).toEqual(ids);
    for (const { batchId, results } of answers) {
      const signed = results.map((result) => headersOf(result)["webhook-id"]);
      expect(signed).toEqual(Array.from({ length: 64 }, (_, index) => `msg_${batchId}_${index}`));
    }
  });

  it("refuses an item and signs its neighbours", async () => {
    const { client } = running;
    const secret = await sealed(client);
    const items = [
      signItem(secret),
      signItem(secret, { profile: "unheard-of" }),
      signItem(secret, { sealedSecrets: [] }),
      signItem(await sealed(client, SECRET, "01890a5d-ac96-774b-bcce-b302099a8057")),
      signItem(secret, { legacyIndex: 1 }),
      signItem(secret),
    ];
    const [answer] = await signBatches(client, [{ batchId: 1, items }]);
    expect(answer?.results.map(({ refusal }) => refusal)).toEqual([
      "",
      "unknown_profile",
      "no_secret",
      "unsealable",
      "malformed",
      "",
    ]);
    expect(answer?.results.map(({ headers }) => headers.length)).toEqual([3, 0, 0, 0, 0, 3]);
  });

  it("answers an empty batch", async () => {
    expect(await signBatches(running.client, [{ batchId: 5, items: [] }])).toEqual([{ batchId: 5, results: [] }]);
  });

  it("ends a stream whose batch is too large, after the answers before it, and no other stream", async () => {
    const { client } = running;
    const secret = await sealed(client);
    const other = client.signStream();
    const before = await counted("posthorn_signer_batches_total");
    const call = client.signStream();
    const answers: number[] = [];
    call.on("data", ({ batchId }: SignStreamResponse) => answers.push(batchId));
    call.write({ batchId: 1, items: [signItem(secret)] });
    call.write({ batchId: 2, items: new Array(257).fill(signItem(secret)) });
    call.write({ batchId: 3, items: [signItem(secret)] });
    const error = await failureOf(call);
    expect(error).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "The batch 2 has 257 items, allowed are 256.",
    });
    expect(answers).toEqual([1]);
    expect(await counted("posthorn_signer_batches_total")).toBe(before + 1);
    expect(await counted("posthorn_signer_batches_refused_total")).toBe(1);

    other.write({ batchId: 4, items: [signItem(secret)] });
    const [answer] = await once(other, "data");
    expect(answer.batchId).toBe(4);
    other.end();
    other.resume();
    await once(other, "end");
  });

  it("gives a slow caller all answers from before a batch that is too large, and none from after it", async () => {
    const { client } = running;
    const items = new Array(64).fill(signItem(await sealed(client)));
    const call = client.signStream();
    for (let batchId = 1; batchId <= 40; batchId += 1) call.write({ batchId, items });
    call.write({ batchId: 41, items: [...items, ...items, ...items, ...items, ...items] });
    for (let batchId = 42; batchId <= 45; batchId += 1) call.write({ batchId, items });
    const ids: number[] = [];
    // Paused once, so that answers are still on their way out when the stream is ended.
    call.once("data", () => {
      call.pause();
      setTimeout(() => call.resume(), 200);
    });
    call.on("data", ({ batchId }: SignStreamResponse) => ids.push(batchId));
    expect(await failureOf(call)).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(ids).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });

  it("stops reading while the caller does not take the answers, and loses none of them", async () => {
    const { client } = running;
    const secret = await sealed(client);
    const batchesSent = 300;
    const items = new Array(64).fill(signItem(secret));
    const before = await counted("posthorn_signer_batches_total");
    const call = client.signStream();
    for (let batchId = 1; batchId <= batchesSent; batchId += 1) call.write({ batchId, items });
    call.end();
    // A caller of grpc-js holds back only once it has begun to read.
    const [first] = await once(call, "data");
    call.pause();

    const answered = await settled(() => counted("posthorn_signer_batches_total"));
    expect(answered - before).toBeLessThan(batchesSent / 2);

    const ids = [first.batchId];
    for await (const answer of call) ids.push(answer.batchId);
    expect(ids).toEqual(Array.from({ length: batchesSent }, (_, index) => index + 1));
  });

  it("forgets a stream that its caller cancelled", async () => {
    const call = running.client.signStream();
    call.write({ batchId: 1, items: [] });
    await once(call, "data");
    call.cancel();
    const error = await failureOf(call);
    expect(error).toMatchObject({ code: status.CANCELLED });
    expect(await signBatches(running.client, [{ batchId: 2, items: [] }])).toHaveLength(1);
  });
});

describe("SealSecret", () => {
  it("refuses what it cannot seal, without repeating it", async () => {
    const refused = sealed(running.client, "too-long-".repeat(29));
    await expect(refused).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: "secret must have 1 to 256 characters, has 261.",
    });
    await expect(sealed(running.client, SECRET, "acme")).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});

describe("RevealSecret", () => {
  it("gives back a signing secret to its owner", async () => {
    const { client } = running;
    expect(await revealed(client, await sealed(client))).toBe(SECRET);
  });

  it("gives back no other webhook's secret, no token and no headers", async () => {
    const { client } = running;
    const refusal = { code: status.FAILED_PRECONDITION };
    const others = await sealed(client, SECRET, "01890a5d-ac96-774b-bcce-b302099a8057");
    await expect(revealed(client, others)).rejects.toMatchObject(refusal);
    for (const [purpose, secret] of [
      ["token", "t0ken"],
      ["headers", "{}"],
    ] as const) {
      await expect(revealed(client, await sealed(client, secret, WEBHOOK_ID, purpose))).rejects.toMatchObject(refusal);
    }
    const malformed = revealed(client, Buffer.alloc(3), "acme");
    await expect(malformed).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
  });
});

describe("the signer's figures", () => {
  it("count signatures, refusals by code, batches, and secrets opened and remembered", async () => {
    await using alone = await startTestSigner();
    const secret = await sealed(alone.client);
    const items = [signItem(secret), signItem(secret), signItem(secret, { sealedSecrets: [] })];
    await signBatches(alone.client, [
      { batchId: 1, items },
      { batchId: 2, items },
    ]);
    await revealed(alone.client, secret);
    const text = await alone.metrics();
    for (const line of [
      "posthorn_signer_batches_total 2",
      "posthorn_signer_signatures_total 4",
      'posthorn_signer_refusals_total{code="no_secret"} 2',
      'posthorn_signer_refusals_total{code="unsealable"} 0',
      "posthorn_signer_secrets_opened_total 1",
      "posthorn_signer_secrets_remembered_total 3",
      "posthorn_signer_secrets_sealed_total 1",
      "posthorn_signer_secrets_revealed_total 1",
    ]) {
      expect(text.split("\n")).toContain(line);
    }
  });
});

describe("tracing", () => {
  it("records one span for each item whose trace is sampled, and none for the others", async () => {
    const bodies: Buffer[] = [];
    const collector = createServer(async (request, response) => {
      for await (const chunk of request) bodies.push(chunk);
      response.end();
    }).listen(0, "127.0.0.1");
    await once(collector, "listening");
    const { port } = collector.address() as AddressInfo;
    const traced = await startTestSigner({ OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${port}` });
    const secret = await sealed(traced.client);
    const [signed, refused, notSampled] = ["a", "b", "c"].map((digit) => digit.repeat(32)) as [string, string, string];
    const items = [
      signItem(secret, { traceparent: `00-${signed}-${"1".repeat(16)}-01` }),
      signItem(secret, { traceparent: `00-${refused}-${"1".repeat(16)}-01`, sealedSecrets: [] }),
      signItem(secret, { traceparent: `00-${notSampled}-${"1".repeat(16)}-00` }),
      signItem(secret, { traceparent: "" }),
    ];
    await signBatches(traced.client, [{ batchId: 1, items }]);
    await traced[Symbol.asyncDispose]();
    collector.closeAllConnections();
    collector.close();

    const exported = Buffer.concat(bodies).toString("hex");
    const ofTrace = (traceId: string) => exported.split(traceId).length - 1;
    expect([signed, refused, notSampled].map(ofTrace)).toEqual([1, 1, 0]);
    // The name of a span: field 5 of the message, 4 bytes long.
    expect(exported.split(`2a04${Buffer.from("sign").toString("hex")}`)).toHaveLength(3);
    expect(exported).toContain(Buffer.from("no_secret").toString("hex"));
  });
});

describe("a signer that stops", () => {
  it("tells the open streams to send their batches elsewhere, and waits for none", async () => {
    const stopping = await startTestSigner();
    const call = stopping.client.signStream();
    call.write({ batchId: 1, items: [signItem(await sealed(stopping.client), { webhookId: WEBHOOK_ID })] });
    await once(call, "data");
    const ended = failureOf(call);
    const startedAtMs = performance.now();
    await stopping.signer[Symbol.asyncDispose]();
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    expect(await ended).toMatchObject({ code: status.UNAVAILABLE });
    await stopping[Symbol.asyncDispose]();
  });
});

/** The error that the stream ends with; rejects after the test's own time limit only. */
async function failureOf(call: EventEmitter): Promise<unknown> {
  const [error] = await once(call, "error");
  return error;
}

function headersOf(result: SignResult | undefined): Record<string, string> {
  return Object.fromEntries((result?.headers ?? []).map(({ name, value }) => [name, value]));
}

async function counted(name: string): Promise<number> {
  const line = (await running.metrics()).split("\n").find((text) => text.startsWith(`${name} `));
  return Number(line?.split(" ")[1]);
}

/** The value once it has not changed for a while. */
async function settled(read: () => Promise<number>): Promise<number> {
  let last = -1;
  for (;;) {
    const value = await read();
    if (value === last) return value;
    last = value;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}
