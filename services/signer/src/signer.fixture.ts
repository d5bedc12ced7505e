/** A signer in a shell of its own, and a caller that keeps one stream open. For tests only. */

import { once } from "node:events";
import {
  type SignItem,
  SigningServiceClient,
  type SignStreamRequest,
  type SignStreamResponse,
} from "@posthorn/contracts";
import { callUnary, createGrpcClient, type Environment, openShell, readSettings } from "@posthorn/service-runtime";
import { signerSettings } from "./config.ts";
import { startSigner } from "./service.ts";

export const MASTER_KEY = Buffer.alloc(32, 0x5a).toString("base64");
export const ORG_ID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
export const WEBHOOK_ID = "0190163d-8694-739b-aea5-966c26f8ad90";
export const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

const CALL_MS_MAX = 5_000;

/** A signer on free ports of this machine, with a client. Of the environment only OTEL_* variables count. */
export async function startTestSigner(env: Environment = {}) {
  await using stack = new AsyncDisposableStack();
  const config = readSettings({ POSTHORN_MASTER_KEY: MASTER_KEY, POSTHORN_LOG_LEVEL: "silent" }, signerSettings);
  const stopping = new AbortController();
  const { shell, control } = stack.use(await openShell({ name: "signer", config, env, stopping: stopping.signal }));
  const signer = stack.use(await startSigner(config, shell));
  control.started();
  const client = createGrpcClient(SigningServiceClient, `127.0.0.1:${signer.grpcPort}`);
  stack.defer(() => client.close());
  const owned = stack.move();
  return {
    client,
    signer,
    metrics: () => shell.metrics.expose(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Seals a secret through the signer. */
export async function sealed(
  client: SigningServiceClient,
  secret = SECRET,
  webhookId = WEBHOOK_ID,
  purpose = "",
): Promise<Buffer> {
  const request = { orgId: ORG_ID, webhookId, secret, purpose };
  const { ciphertext } = await callUnary(client.sealSecret.bind(client), request, { deadlineMs: CALL_MS_MAX });
  return ciphertext;
}

/** Asks the signer for a sealed signing secret. */
export async function revealed(
  client: SigningServiceClient,
  ciphertext: Buffer,
  webhookId = WEBHOOK_ID,
): Promise<string> {
  const request = { orgId: ORG_ID, webhookId, ciphertext };
  const { secret } = await callUnary(client.revealSecret.bind(client), request, { deadlineMs: CALL_MS_MAX });
  return secret;
}

export function signItem(sealedSecret: Buffer, changes: Partial<SignItem> = {}): SignItem {
  return {
    orgId: ORG_ID,
    webhookId: WEBHOOK_ID,
    profile: "standard",
    messageId: "msg_1",
    timestampS: 1_774_359_420,
    body: Buffer.from('{"a":1}'),
    sealedSecrets: [sealedSecret],
    traceparent: "",
    legacyIndex: 0,
    withoutLegacy: false,
    sealedToken: Buffer.alloc(0),
    sealedHeaders: Buffer.alloc(0),
    ...changes,
  };
}

/** Sends all batches on a stream of its own and waits for as many answers. */
export async function signBatches(
  client: SigningServiceClient,
  batches: readonly SignStreamRequest[],
): Promise<SignStreamResponse[]> {
  const call = client.signStream();
  const answers: SignStreamResponse[] = [];
  call.on("data", (answer: SignStreamResponse) => answers.push(answer));
  for (const batch of batches) call.write(batch);
  call.end();
  await once(call, "end");
  return answers;
}
