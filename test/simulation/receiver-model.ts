/**
 * The receivers. Each answers by a mood that changes over time; what has arrived has arrived, also when the answer gets
 * lost or whoever sent it has died. It stands for the egress client and everything behind it.
 */

import type { EgressClient, FailureClass, PostResult } from "@posthorn/egress";
import type { SeededRandom } from "@posthorn/testkit";
import { type Actor, type VirtualTime, WORLD } from "./virtual-time.ts";

export type Mood =
  | "well"
  | "slow"
  /** 500. */
  | "failing"
  /** The request is taken, and the connection reset. */
  | "resetting"
  /** The request is taken, and nothing is said. */
  | "silent"
  | "throttling"
  | "gone";

export const MOODS: readonly Mood[] = ["well", "slow", "failing", "resetting", "silent", "throttling", "gone"];

export type Hit = {
  readonly webhookId: string;
  /** The message's id as its header says. */
  readonly messageId: string;
  readonly body: string;
  readonly isTaken: boolean;
};

type Post = Parameters<EgressClient["post"]>[0];

const TIMING = { durationMs: 0, connectMs: undefined, headersMs: undefined };
const BRISK_MS = 30;
const SLOW_MS = 900;

export class ReceiverModel {
  readonly hits: Hit[] = [];
  readonly #time: VirtualTime;
  readonly #random: SeededRandom;
  readonly #moods = new Map<string, Mood>();

  constructor(time: VirtualTime, random: SeededRandom) {
    this.#time = time;
    this.#random = random;
  }

  setMood(webhookId: string, mood: Mood): void {
    this.#moods.set(webhookId, mood);
  }

  /** Everybody is well again. */
  heal(): void {
    this.#moods.clear();
  }

  post(actor: Actor, webhookId: string, { headers, body, deadlineMs }: Post): Promise<PostResult> {
    const mood = this.#moods.get(webhookId) ?? "well";
    const takesMs = (mood === "slow" ? SLOW_MS : BRISK_MS) * (0.2 + this.#random.next());
    const messageId = headers.find(([name]) => name === "webhook-id")?.[1] ?? "";
    const isTaken = mood === "well" || mood === "slow";
    this.#time.after(takesMs / 2, WORLD, () => {
      this.hits.push({ webhookId, messageId, body: Buffer.from(body).toString(), isTaken });
    });
    const answerMs = mood === "silent" ? deadlineMs : takesMs;
    return new Promise((resolve) => {
      this.#time.after(answerMs, actor, () => resolve(resultOf(mood)));
    });
  }
}

function resultOf(mood: Mood): PostResult {
  switch (mood) {
    case "well":
    case "slow":
      return answer(200);
    case "failing":
      return answer(500);
    case "throttling":
      return { ...answer(429), retryAfter: "2" };
    case "gone":
      return answer(410);
    case "resetting":
      return failure("reset");
    case "silent":
      return failure("timeout");
    default:
      return mood satisfies never;
  }
}

function answer(status: number) {
  const body = new Uint8Array();
  return {
    kind: "response",
    status,
    headers: [],
    body,
    truncated: false,
    bodyEnd: "complete",
    redone: false,
    timing: TIMING,
  } as const;
}

function failure(errorClass: FailureClass): PostResult {
  return {
    kind: "failed",
    errorClass,
    message: errorClass,
    requestMayHaveArrived: true,
    redone: false,
    timing: TIMING,
  };
}
