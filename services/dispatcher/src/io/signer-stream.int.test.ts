import {
  type SignItem,
  SigningServiceService,
  type SignStreamRequest,
  type SignStreamResponse,
} from "@posthorn/contracts";
import { openShell, startGrpcServer } from "@posthorn/service-runtime";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openSigner, type Signed } from "./signer-stream.ts";

type Call = {
  on(event: "data", listener: (request: SignStreamRequest) => void): void;
  write(response: SignStreamResponse): boolean;
  end(): void;
};
/** How a signer answers one batch; it counts from 1 over all streams. */
type Answer = (call: Call, request: SignStreamRequest, count: number) => void;

const item = (name: string, changes: Partial<SignItem> = {}): SignItem => ({
  orgId: "",
  webhookId: "",
  profile: "standard",
  messageId: name,
  timestampS: 1,
  body: Buffer.from("{}"),
  sealedSecrets: [],
  traceparent: "",
  legacyIndex: 0,
  withoutLegacy: false,
  sealedToken: Buffer.alloc(0),
  sealedHeaders: Buffer.alloc(0),
  ...changes,
});

const sign: Answer = (call, { batchId, items }) =>
  call.write({
    batchId,
    results: items.map(({ messageId }) => ({
      headers: [{ name: "signed", value: messageId, secret: messageId === "secret" }],
      refusal: "",
    })),
  });

const signed = (value: string): Signed => ({
  kind: "signed",
  headers: [
    { name: "webhook-id", value, isSecret: false },
    { name: "webhook-timestamp", value: "1", isSecret: false },
    { name: "signed", value, isSecret: value === "secret" },
  ],
});

describe("signing over a stream", () => {
  let stack: AsyncDisposableStack;
  let troubles: string[];
  beforeEach(() => {
    stack = new AsyncDisposableStack();
    troubles = [];
  });
  afterEach(() => stack.disposeAsync());

  async function signerThat(answer: Answer) {
    let count = 0;
    const config = { host: "127.0.0.1", httpPort: 0, logLevel: "silent", leash: "none" } as const;
    const stopping = new AbortController().signal;
    const { shell } = stack.use(await openShell({ name: "signer", config, env: {}, stopping }));
    const signStream = (call: Call) =>
      call.on("data", (request) => {
        count += 1;
        answer(call, request, count);
      });
    const services = [{ definition: SigningServiceService, implementation: { signStream } }];
    const { log, health } = shell;
    const server = stack.use(await startGrpcServer({ host: "127.0.0.1", port: 0, services, health, log }));
    return stack.use(openSigner(`127.0.0.1:${server.port}`, (reason) => troubles.push(reason)));
  }

  it("answers every item with its own signature", async () => {
    const signer = await signerThat(sign);
    const names = [...Array.from({ length: 199 }, (_, index) => `item-${index}`), "secret"];
    const answers = await Promise.all(names.map((name) => signer.sign(item(name))));
    expect(answers).toEqual(names.map(signed));
  });

  it("states what is signed once, also if the signer of an earlier release repeats it", async () => {
    const asked: (boolean | undefined)[] = [];
    const signer = await signerThat((call, { batchId, items, withoutStated }) => {
      asked.push(withoutStated);
      const headers = (id: string) => [
        { name: "webhook-id", value: id, secret: false },
        { name: "webhook-timestamp", value: "1", secret: false },
        { name: "signed", value: id, secret: false },
      ];
      call.write({ batchId, results: items.map(({ messageId }) => ({ headers: headers(messageId), refusal: "" })) });
    });
    expect(await signer.sign(item("a"))).toEqual(signed("a"));
    expect(asked).toEqual([true]);
  });

  it("hands on what the signer refuses", async () => {
    const signer = await signerThat((call, { batchId }) =>
      call.write({ batchId, results: [{ headers: [], refusal: "no_secret" }] }),
    );
    expect(await signer.sign(item("a"))).toEqual({ kind: "refused", refusal: "no_secret" });
  });

  it("asks again on another stream when the signer ends the one it waits on, and says so once", async () => {
    const signer = await signerThat((call, request, count) => (count <= 2 ? call.end() : sign(call, request, count)));
    const answers = await Promise.all([signer.sign(item("a")), signer.sign(item("b"))]);
    expect(answers).toEqual([signed("a"), signed("b")]);
    expect(troubles).toEqual(["the signer ended the stream", "the signer ended the stream"]);
  });

  it("takes no answer that is shorter than its batch", async () => {
    const signer = await signerThat((call, request, count) =>
      count === 1 ? call.write({ batchId: request.batchId, results: [] }) : sign(call, request, count),
    );
    expect(await signer.sign(item("a"))).toEqual(signed("a"));
  });

  it("refuses an item with more secrets than the signer takes: it would end the stream for all", async () => {
    const signer = await signerThat(sign);
    const sealedSecrets = Array.from({ length: 11 }, () => Buffer.from("sealed"));
    expect(await signer.sign(item("a", { sealedSecrets }))).toEqual({ kind: "refused", refusal: "too_many_secrets" });
  });

  it("makes no batch larger than the signer takes, sealed headers included", async () => {
    const bytes: number[] = [];
    const signer = await signerThat((call, request, count) => {
      bytes.push(request.items.reduce((sum, { body, sealedHeaders }) => sum + body.length + sealedHeaders.length, 0));
      sign(call, request, count);
    });
    const sealedHeaders = Buffer.alloc(100_000);
    await Promise.all(Array.from({ length: 60 }, (_, index) => signer.sign(item(String(index), { sealedHeaders }))));
    expect(bytes.reduce((sum, size) => sum + size)).toBe(60 * 100_002);
    expect(Math.max(...bytes)).toBeLessThan(1_100_000);
  });

  it("lets nobody wait once it is closed", async () => {
    const signer = await signerThat(() => {});
    const answers = Promise.all(Array.from({ length: 300 }, (_, index) => signer.sign(item(String(index)))));
    await new Promise((resolve) => setTimeout(resolve, 50));
    signer[Symbol.dispose]();
    expect(new Set((await answers).map(({ kind }) => kind))).toEqual(new Set(["closed"]));
  });
});
