/**
 * Signatures by the batch, over one bidirectional stream. While no signer answers, requests wait: nothing leaves
 * unsigned, and waiting is not an attempt.
 */

import {
  asBuffer,
  type SignItem,
  SigningServiceClient,
  type SignResult,
  type SignStreamResponse,
} from "@posthorn/contracts";
import { createGrpcClient } from "@posthorn/service-runtime";
import { Batcher } from "./batcher.ts";

export type Signer = {
  /** Rejects only when the signer is closed. */
  sign(item: SignItem): Promise<SignResult>;
};

const ITEMS_MAX = 64;
const BYTES_MAX = 1024 * 1024;
const IN_FLIGHT_MAX = 3;
/** A batch without an answer for this long goes to another stream; signing is pure, repeating it is free. */
const ANSWER_MS_MAX = 5_000;
const RETRY_WAIT_MS = 250;

type Stream = ReturnType<SigningServiceClient["signStream"]>;
type Pending = { readonly resolve: (results: readonly SignResult[]) => void; readonly reject: (why: Error) => void };

/** @param onTrouble told when signing had to be repeated. */
export function openSigner(target: string, onTrouble: (reason: string) => void): Signer & Disposable {
  const client = createGrpcClient(SigningServiceClient, target);
  const pending = new Map<number, Pending>();
  let stream: Stream | undefined;
  let lastBatchId = 0;
  let isOpen = true;

  function connected(): Stream {
    if (stream !== undefined) return stream;
    const opened: Stream = client.signStream();
    opened.on("data", ({ batchId, results }: SignStreamResponse) => pending.get(batchId)?.resolve(results));
    opened.on("error", (error) => drop(opened, error));
    opened.on("end", () => drop(opened, new Error("the signer ended the stream")));
    stream = opened;
    return opened;
  }

  /** Forgets a broken stream; the batches that waited on it are sent again on the next one. */
  function drop(broken: Stream, why: Error): void {
    if (stream !== broken) return;
    stream = undefined;
    broken.cancel();
    for (const { reject } of pending.values()) reject(why);
  }

  async function ask(items: readonly SignItem[]): Promise<readonly SignResult[]> {
    lastBatchId += 1;
    const batchId = lastBatchId;
    const current = connected();
    const timer = setTimeout(() => drop(current, new Error("the signer did not answer in time")), ANSWER_MS_MAX);
    try {
      return await new Promise<readonly SignResult[]>((resolve, reject) => {
        pending.set(batchId, { resolve, reject });
        current.write({ batchId, items: [...items] });
      });
    } finally {
      clearTimeout(timer);
      pending.delete(batchId);
    }
  }

  const batcher = new Batcher<SignItem, SignResult>({
    itemsMax: ITEMS_MAX,
    bytesMax: BYTES_MAX,
    sizeOf: (item) => item.body.length,
    inFlightMax: IN_FLIGHT_MAX,
    send: async (items) => {
      for (;;) {
        if (!isOpen) throw new Error("the dispatcher is stopping");
        try {
          return await ask(items);
        } catch (error) {
          onTrouble(error instanceof Error ? error.message : String(error));
          await new Promise((resolve) => setTimeout(resolve, RETRY_WAIT_MS));
        }
      }
    },
  });

  return {
    sign: (item) => batcher.add({ ...item, body: asBuffer(item.body) }),
    [Symbol.dispose]: () => {
      isOpen = false;
      stream?.cancel();
      client.close();
    },
  };
}
