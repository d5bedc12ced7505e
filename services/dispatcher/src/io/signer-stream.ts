/**
 * Signatures by the batch, over one bidirectional stream. While no signer answers, requests wait: nothing leaves
 * unsigned, and waiting is not an attempt.
 */

import { type SignItem, SigningServiceClient, type SignResult, type SignStreamResponse } from "@posthorn/contracts";
import { createGrpcClient, reachServer } from "@posthorn/service-runtime";
import type { SignedHeader } from "../core/request.ts";
import { Batcher } from "./batcher.ts";

export type Signed =
  | { readonly kind: "signed"; readonly headers: readonly SignedHeader[] }
  /** Asking again would not help. */
  | { readonly kind: "refused"; readonly refusal: string }
  /** This end was closed before there was an answer. */
  | { readonly kind: "closed" };

export type Signer = { sign(item: SignItem): Promise<Signed> };

/** Below what the signer takes in one batch (256 items, 4 MiB of bodies and headers): one above it would end the stream. */
const ITEMS_MAX = 64;
const BYTES_MAX = 1024 * 1024;
/** What the signer takes of one item. One webhook with more would end the stream for all, again and again. */
const SECRETS_MAX = 10;
const IN_FLIGHT_MAX = 3;
/** A batch without an answer for this long goes to another stream; signing is pure, repeating it is free. */
const ANSWER_MS_MAX = 5_000;
const ID_HEADER = "webhook-id";
const TIMESTAMP_HEADER = "webhook-timestamp";
/** Before a signer is tried again of which nothing came. */
const RETRY_WAIT_MS = 250;

/** An open signer also tells whether a server is there. */
export type OpenSigner = Signer & Disposable & { reach(): Promise<void> };

const REACH_MS_MAX = 1_000;

type Call = ReturnType<SigningServiceClient["signStream"]>;
type Stream = { readonly call: Call; hasAnswered: boolean };
type Pending = { readonly resolve: (results: readonly SignResult[]) => void; readonly reject: (why: Error) => void };

/** @param onTrouble told when signing has to be repeated. */
export function openSigner(target: string, onTrouble: (reason: string) => void): OpenSigner {
  const client = createGrpcClient(SigningServiceClient, target);
  const pending = new Map<number, Pending>();
  let stream: Stream | undefined;
  let lastBatchId = 0;
  let isOpen = true;

  function connected(): Stream {
    if (stream !== undefined) return stream;
    const opened: Stream = { call: client.signStream(), hasAnswered: false };
    opened.call.on("data", ({ batchId, results }: SignStreamResponse) => pending.get(batchId)?.resolve(results));
    opened.call.on("error", (error) => drop(opened, error));
    opened.call.on("end", () => drop(opened, new Error("the signer ended the stream")));
    stream = opened;
    return opened;
  }

  /** Forgets a broken stream; the batches that waited on it are sent again on the next one. */
  function drop(broken: Stream, why: Error): void {
    if (stream !== broken) return;
    stream = undefined;
    broken.call.cancel();
    if (isOpen) onTrouble(why.message);
    for (const { reject } of pending.values()) reject(why);
  }

  async function ask(current: Stream, items: readonly SignItem[]): Promise<readonly SignResult[]> {
    lastBatchId += 1;
    const batchId = lastBatchId;
    const timer = setTimeout(() => drop(current, new Error("the signer did not answer in time")), ANSWER_MS_MAX);
    try {
      const results = await new Promise<readonly SignResult[]>((resolve, reject) => {
        pending.set(batchId, { resolve, reject });
        current.call.write({ batchId, items: [...items], withoutStated: true });
      });
      if (results.length === items.length) return results;
      const why = new Error(`the signer answered ${items.length} items with ${results.length} results`);
      drop(current, why);
      throw why;
    } finally {
      clearTimeout(timer);
      pending.delete(batchId);
    }
  }

  const batcher = new Batcher<SignItem, Signed>({
    itemsMax: ITEMS_MAX,
    bytesMax: BYTES_MAX,
    sizeOf: ({ body, sealedToken, sealedHeaders }) => body.length + sealedToken.length + sealedHeaders.length,
    inFlightMax: IN_FLIGHT_MAX,
    send: async (items) => {
      while (isOpen) {
        const current = connected();
        try {
          const results = await ask(current, items);
          current.hasAnswered = true;
          return results.map((result, index) => signedOf(items[index], result));
        } catch {
          if (!current.hasAnswered) await new Promise((resolve) => setTimeout(resolve, RETRY_WAIT_MS));
        }
      }
      return items.map(() => ({ kind: "closed" }));
    },
  });

  return {
    sign: (item) =>
      item.sealedSecrets.length > SECRETS_MAX
        ? Promise.resolve({ kind: "refused", refusal: "too_many_secrets" })
        : batcher.add(item),
    reach: () => reachServer(client, REACH_MS_MAX),
    [Symbol.dispose]: () => {
      isOpen = false;
      if (stream !== undefined) drop(stream, new Error("closed"));
      client.close();
    },
  };
}

/** What is signed besides the body is stated here: it need not come back from where it was sent to. */
function signedOf(item: SignItem | undefined, { headers, refusal }: SignResult): Signed {
  if (refusal !== "") return { kind: "refused", refusal };
  const signed = headers.map(({ name, value, secret }) => ({ name, value, isSecret: secret }));
  // A signer of the release before repeats them nevertheless.
  if (item === undefined || signed[0]?.name === ID_HEADER) return { kind: "signed", headers: signed };
  const stated = [
    { name: ID_HEADER, value: item.messageId, isSecret: false },
    { name: TIMESTAMP_HEADER, value: String(item.timestampS), isSecret: false },
  ];
  return { kind: "signed", headers: [...stated, ...signed] };
}
