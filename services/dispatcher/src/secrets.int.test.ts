import { createHmac } from "node:crypto";
import type { AttemptRecord, WebhookConfig, WorkItem } from "@posthorn/domain";
import { messageAt } from "@posthorn/message-bus";
import { type Receiver, type ReceiverStep, type RecordedRequest, startReceiver } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { DispatcherBench, SECRET } from "./dispatcher.fixture.ts";
import { seal } from "./seal.fixture.ts";
import { byTheLog } from "./settled.fixture.ts";

const [TOKEN, HEADER_VALUE, OLD_SECRET] = ["canary-token-0815", "canary header value 4711", "canary-old-secret-1234"];
const CANARIES = [TOKEN, HEADER_VALUE, OLD_SECRET, SECRET];

let bench: DispatcherBench;
let signer: AsyncDisposable & { readonly target: string };
let projection: AsyncDisposable & { readonly target: string };
let receiver: Receiver;
/** Ends with each test, dispatchers first. */
let stack: AsyncDisposableStack;

beforeAll(async () => {
  bench = await DispatcherBench.start();
  signer = await bench.startSigner();
  projection = await bench.startProjection(byTheLog);
});
afterAll(async () => {
  await projection[Symbol.asyncDispose]();
  await signer[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  receiver = stack.use(await startReceiver());
});
afterEach(() => stack.disposeAsync());

/** One attempt at the receiver, by a dispatcher of its own, and what the log has of it. */
async function attempt(webhook: Partial<WebhookConfig>, item: Partial<WorkItem> = {}) {
  await bench.writeWebhook(signer.target, { url: `${receiver.url}/hook`, ...webhook });
  await using _dispatcher = await bench.startDispatcher({ signer: signer.target, projector: projection.target });
  const sent = bench.newItem({ profile: webhook.profile ?? "standard", ...item });
  await bench.enqueue(sent);
  const events = await bench.logged(sent.deliveryId);
  await bench.worked();
  const [outcome] = events;
  if (outcome?.kind !== "attempt.succeeded" && outcome?.kind !== "attempt.failed") throw new Error("no attempt");
  return { item: sent, events, record: outcome.attempt, request: receiver.requests.at(-1) };
}

async function sealedSecret(secret: string, signsUntilMs?: number) {
  return { ciphertext: await seal(signer.target, bench, secret), signsUntilMs };
}

const sealedHeaders = (headers: Record<string, string>) =>
  seal(signer.target, bench, JSON.stringify(headers), "headers");

const shown = (record: AttemptRecord, name: string) =>
  record.requestHeaders.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) => value);

const sentAs = (request: RecordedRequest | undefined, name: string) => {
  const raw = request?.rawHeaders ?? [];
  return raw.filter((_, index) => index % 2 === 1 && raw[index - 1]?.toLowerCase() === name.toLowerCase());
};

const hex = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex");

describe("a token and custom headers", () => {
  it("go out as they are, and are masked in the log, wherever the receiver repeats them", async () => {
    receiver.answerWith(repeatRequest);
    const { request, record } = await attempt({
      profile: "github-dispatch",
      sealedToken: await seal(signer.target, bench, TOKEN, "token"),
      sealedHeaders: await sealedHeaders({ "X-Tenant": HEADER_VALUE }),
    });
    expect(sentAs(request, "authorization")).toEqual([`Bearer ${TOKEN}`]);
    expect(sentAs(request, "x-tenant")).toEqual([HEADER_VALUE]);
    expect(sentAs(request, "accept")).toEqual(["application/vnd.github+json"]);
    expect(shown(record, "authorization")).toEqual(["***"]);
    expect(shown(record, "x-tenant")).toEqual(["***"]);
    expect(shown(record, "webhook-id")).toEqual(sentAs(request, "webhook-id"));
    expect(Buffer.from(record.responseBody).toString().split("\n")).toContain("***");
    expect(record.responseHeaders).toContainEqual(["x-repeated", "***"]);
  });

  it("never take the place of one of our own headers", async () => {
    const { item, request } = await attempt({
      profile: "myop",
      sealedHeaders: await sealedHeaders({
        "Webhook-Id": "mine",
        "webhook-signature": "v1,mine",
        "CONTENT-TYPE": "text/html",
        Host: "example.com",
        "Content-Length": "1",
        "posthorn-hops": "0",
        "x-myop-signature": "sha256=mine",
        "User-Agent": "mine",
        "X-Fine": "mine",
      }),
    });
    expect(sentAs(request, "webhook-id")).toEqual([item.deliveryId]);
    expect(sentAs(request, "content-type")).toEqual(["application/json"]);
    expect(sentAs(request, "host")).toEqual([new URL(receiver.url).host]);
    expect(sentAs(request, "posthorn-hops")).toEqual(["1"]);
    expect(sentAs(request, "x-myop-signature")).toEqual([`sha256=${hex(SECRET, request?.body.toString() ?? "")}`]);
    expect(request?.rawHeaders.filter((text) => text.includes("mine"))).toEqual(["mine"]);
    expect(sentAs(request, "x-fine")).toEqual(["mine"]);
  });

  it("stay out of the log also when the attempt fails", async () => {
    const webhook = { sealedHeaders: await sealedHeaders({ "X-Tenant": HEADER_VALUE }), retryDelaysS: [] };
    receiver.answerWith([{ kind: "reset" }]);
    expect((await attempt(webhook)).events[0]).toMatchObject({ errorClass: "reset" });
    const refused = await attempt({ ...webhook, url: "http://127.0.0.1:1/" });
    expect(refused.events[0]).toMatchObject({ errorClass: "connect" });
    expect(shown(refused.record, "x-tenant")).toEqual(["***"]);
  });
});

describe("a rotation", () => {
  it("signs with both secrets, and a header for one signature with the one that the receiver knows", async () => {
    const secrets = [await sealedSecret(SECRET), await sealedSecret(OLD_SECRET, Date.now() + 60_000)];
    for (const [legacySignsWith, legacySecret] of [
      ["old", OLD_SECRET],
      ["new", SECRET],
    ] as const) {
      const { request } = await attempt({ profile: "myop", secrets, legacySignsWith });
      const body = request?.body.toString() ?? "";
      expect(request?.header("x-myop-signature")).toBe(`sha256=${hex(legacySecret, body)}`);
      expect(request?.header("webhook-signature")?.split(" ")).toHaveLength(2);
    }
  });

  it("ends by itself when the time of the old secret is over", async () => {
    const secrets = [await sealedSecret(SECRET), await sealedSecret(OLD_SECRET, Date.now() - 1)];
    const { request } = await attempt({ profile: "myop", secrets });
    expect(request?.header("x-myop-signature")).toBe(`sha256=${hex(SECRET, request?.body.toString() ?? "")}`);
    expect(request?.header("webhook-signature")?.split(" ")).toHaveLength(1);
  });

  it("leaves the profile's own header out for a receiver that was given no secret", async () => {
    const { request } = await attempt({ profile: "myop", hasSecret: false });
    expect(request?.header("x-myop-signature")).toBeUndefined();
    expect(request?.header("webhook-signature")).toMatch(/^v1,/);
  });
});

describe("an item", () => {
  it("shows its receiver the message's id, and how many deliveries led to it", async () => {
    const original = bench.newItem();
    const event = { ...bench.newEvent("{}"), hops: 2 };
    const { item, request } = await attempt(
      { profile: "mutx" },
      { messageId: original.deliveryId, event, eventId: event.id },
    );
    expect(item.deliveryId).not.toBe(original.deliveryId);
    expect(request?.header("webhook-id")).toBe(original.deliveryId);
    expect(request?.header("x-webhook-delivery-id")).toBe(original.deliveryId);
    expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({ delivery_id: original.deliveryId });
    expect(request?.header("posthorn-hops")).toBe("3");
  });

  it("that is the only attempt is followed by nothing", async () => {
    receiver.answerWith([500]);
    const { item } = await attempt({ retryDelaysS: [5, 5] }, { isOnly: true });
    expect(await bench.logged(item.deliveryId, 2)).toMatchObject([
      { kind: "attempt.failed", nextAtMs: undefined },
      { kind: "delivery.exhausted", reason: "attempts_exhausted" },
    ]);
  });
});

describe("the log", () => {
  it("holds none of the secrets that these tests sent, in any spelling", async () => {
    const { last_seq: last, messages } = (await bench.connection.manager.streams.info("LOG")).state;
    expect(messages).toBeGreaterThan(8);
    const stored: Buffer[] = [];
    for (let sequence = 1; sequence <= last; sequence += 1) {
      const message = await messageAt(bench.connection, "LOG", sequence);
      if (message !== undefined) stored.push(Buffer.from(message.data));
    }
    const bytes = Buffer.concat(stored);
    expect(bytes.includes("x-repeated")).toBe(true);
    for (const canary of CANARIES) {
      for (const spelling of spellings(canary)) expect(bytes.includes(spelling), spelling).toBe(false);
    }
  });
});

/** The answer of a careless receiver. */
function repeatRequest({ rawHeaders }: RecordedRequest): ReceiverStep {
  const body = rawHeaders.filter((_, index) => index % 2 === 1).join("\n");
  return { kind: "respond", status: 200, headers: { "x-repeated": HEADER_VALUE }, body };
}

function spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  return [text, bytes.toString("hex"), bytes.toString("base64").slice(0, -4), text.slice(0, 12)];
}
