/** What the machine can do without the engine: the bare loop, and the generator straight to the receiver. */

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Pool } from "undici";
import type { FastReceiver } from "../fast-receiver.ts";
import { batchOf, dataOf, eventOf } from "../load/bench-event.ts";
import { BATCH_EVENTS, BATCHES_IN_FLIGHT } from "../load/closed-loop.ts";
import { makeSingleRequests } from "../load/single-requests.ts";
import type { BareLoops, Bounds } from "../report/report.ts";
import type { Size } from "../scenario.ts";

const BARE_LOOP = fileURLToPath(new URL("../bare-loop.ts", import.meta.url));
const SECONDS: Readonly<Record<Size, number>> = { full: 5, quick: 3, smoke: 1 };
/** 1 KiB of data in its envelope. */
const BODY_BYTES = 1_100;

export async function measureBareLoops({ url }: FastReceiver, size: Size): Promise<BareLoops> {
  const loop = async (key: keyof BareLoops) => {
    const args = [BARE_LOOP, url, String(SECONDS[size]), String(BODY_BYTES), key];
    return Number((await promisify(execFile)(process.execPath, args)).stdout);
  };
  return { bytes: await loop("bytes"), object: await loop("object") };
}

export async function measureBounds(receiver: FastReceiver, wrk: string | undefined, size: Size): Promise<Bounds> {
  const forMs = SECONDS[size] * 1_000;
  const single = await makeSingleRequests(wrk, { url: receiver.url, key: "none", forMs });
  return {
    batchEventsPerSecond: await batchesStraight(receiver.url, forMs),
    singleRequestsPerSecond: single.perSecond,
  };
}

/** The batches of the closed loop, as many at once. */
async function batchesStraight(url: string, forMs: number): Promise<number> {
  const { origin, pathname: path } = new URL(url);
  const pool = new Pool(origin, { connections: BATCHES_IN_FLIGHT });
  const body = Buffer.from(batchOf(Array.from({ length: BATCH_EVENTS }, () => eventOf(dataOf()))));
  const startedMs = performance.now();
  let events = 0;
  const loop = async () => {
    while (performance.now() - startedMs < forMs) {
      const answer = await pool.request({
        path,
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      await answer.body.dump();
      events += BATCH_EVENTS;
    }
  };
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, loop));
  const perSecond = (events * 1_000) / (performance.now() - startedMs);
  await pool.close();
  return perSecond;
}
