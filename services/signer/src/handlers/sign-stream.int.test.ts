import { once } from "node:events";
import { Server, ServerCredentials, status } from "@grpc/grpc-js";
import { SigningServiceClient, SigningServiceService } from "@posthorn/contracts";
import { createGrpcClient, openShell, readSettings, runtimeSettings } from "@posthorn/service-runtime";
import { afterEach, describe, expect, it } from "vitest";
import { ExtraHeaderRing } from "../core/extra-header-ring.ts";
import { masterKeyOf } from "../core/sealing.ts";
import { SigningKeyRing } from "../core/signing-key-ring.ts";
import { createSignerEvents, type SignerEvents } from "../events.ts";
import { signItem } from "../signer.fixture.ts";
import { createSignStreams } from "./sign-stream.ts";

let stack = new AsyncDisposableStack();
afterEach(() => stack.disposeAsync());

describe("createSignStreams", () => {
  it("refuses a stream that comes after the others were ended", async () => {
    const { client, streams } = await serve();
    streams[Symbol.dispose]();
    expect(await failureOf(client)).toMatchObject({ code: status.UNAVAILABLE });
  });

  it("ends the stream, and not the process, when a batch meets a bug", async () => {
    const seen: unknown[] = [];
    const bug = new Error("a bug that names s3cret");
    const { client } = await serve({
      batchSigned: () => {
        throw bug;
      },
      streamFailed: (error) => seen.push(error),
    });
    expect(await failureOf(client)).toMatchObject({
      code: status.INTERNAL,
      details: "Something went wrong on our side.",
    });
    expect(seen).toEqual([bug]);
  });
});

/** Serves streams without the rest of a signer. */
async function serve(faults: Partial<SignerEvents> = {}) {
  stack = new AsyncDisposableStack();
  const config = readSettings({ POSTHORN_LOG_LEVEL: "silent" }, runtimeSettings("signer"));
  const { signal } = new AbortController();
  const { shell } = stack.use(await openShell({ name: "signer", config, env: {}, stopping: signal }));
  const masterKey = masterKeyOf(Buffer.alloc(32));
  const rings = {
    keys: new SigningKeyRing({ masterKey, secretsMax: 1 }),
    extraHeaders: new ExtraHeaderRing({ masterKey, bytesMax: 1 }),
  };
  const streams = createSignStreams({ rings, events: { ...createSignerEvents(shell), ...faults } });
  const server = new Server();
  server.addService(SigningServiceService, { signStream: streams.handle });
  const port = await new Promise<number>((resolve, reject) => {
    const credentials = ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  stack.defer(() => server.forceShutdown());
  const client = createGrpcClient(SigningServiceClient, `127.0.0.1:${port}`);
  stack.defer(() => client.close());
  return { client, streams };
}

async function failureOf(client: SigningServiceClient): Promise<unknown> {
  const call = client.signStream();
  call.write({ batchId: 1, items: [signItem(Buffer.alloc(0))] });
  call.resume();
  const [error] = await once(call, "error");
  return error;
}
