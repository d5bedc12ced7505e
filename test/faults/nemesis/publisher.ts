/** Publishes with ids of its own until each event is accepted, and keeps what was answered. */

import { setTimeout as sleep } from "node:timers/promises";
import type { AcceptedEvent, AcceptedFile } from "./accepted-file.ts";
import type { PublishCall } from "./ingest-client.ts";

export type Publication = {
  readonly number: number;
  readonly orgId: string;
  readonly type: string;
  readonly webhookIds: readonly string[];
};

const RETRY_MS = 200;
const FILLER = "x".repeat(400);

export class Publisher {
  readonly #file: AcceptedFile;
  /** Answers other than 202, by status; 0: no answer at all. */
  readonly refused = new Map<number, number>();
  #lastNumber = 0;
  #accepted = 0;
  #underWay = 0;
  #acceptedAtMs = Date.now();
  #longestSilenceMs = 0;

  constructor(file: AcceptedFile) {
    this.#file = file;
  }

  get accepted(): number {
    return this.#accepted;
  }

  /** Events that nobody accepted so far. */
  get unaccepted(): number {
    return this.#lastNumber - this.#accepted;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Between two accepted events. */
  get longestSilenceMs(): number {
    return this.#longestSilenceMs;
  }

  takeNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  /**
   * Returns when the event is accepted and recorded. The caller's id makes the repeat of an unanswered one harmless.
   * @param signal ends the attempts; undefined then: it may have been accepted or not, and nobody may rely on it.
   */
  async publish(
    publish: PublishCall,
    { number, orgId, type, webhookIds }: Publication,
    signal: AbortSignal,
  ): Promise<AcceptedEvent | undefined> {
    const event = { type, id: `faults-${number}`, data: { number, filler: FILLER } };
    this.#underWay += 1;
    try {
      while (!signal.aborted) {
        const answer = await publish(orgId, event);
        if (answer?.kind === "accepted") {
          const accepted = { number, eventId: answer.eventId, type, webhookIds };
          await this.#file.append(accepted);
          this.#noteAccepted();
          return accepted;
        }
        const status = answer?.status ?? 0;
        this.refused.set(status, (this.refused.get(status) ?? 0) + 1);
        await sleep(RETRY_MS);
      }
      return undefined;
    } finally {
      this.#underWay -= 1;
    }
  }

  #noteAccepted(): void {
    const nowMs = Date.now();
    this.#accepted += 1;
    this.#longestSilenceMs = Math.max(this.#longestSilenceMs, nowMs - this.#acceptedAtMs);
    this.#acceptedAtMs = nowMs;
  }
}
