/** What was done to the processes of a run, and when: the checker explains repeats by it. */

import type { ActKind } from "./plan-acts.ts";

export type Act = {
  readonly kind: ActKind | "down";
  readonly target: string;
  readonly fromMs: number;
  /** When the process could work again: it runs and answers. Undefined: not before the end of the run. */
  readonly untilMs: number | undefined;
};

export class ActLog {
  readonly #startedAtMs = Date.now();
  readonly #say: (line: string) => void;
  readonly acts: Act[] = [];

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  /** Says so in one line. @returns what to call when the process is back. */
  begin(kind: Act["kind"], target: string, detail = ""): () => void {
    const fromMs = Date.now();
    const index = this.acts.push({ kind, target, fromMs, untilMs: undefined }) - 1;
    this.#say(`${this.clock(fromMs)}  ${kind} ${target}${detail}`);
    return () => {
      this.acts[index] = { kind, target, fromMs, untilMs: Date.now() };
    };
  }

  /** "03:27.4" since the start. */
  clock(atMs: number): string {
    const seconds = Math.max(0, atMs - this.#startedAtMs) / 1_000;
    const minutes = Math.floor(seconds / 60);
    return `${String(minutes).padStart(2, "0")}:${(seconds - 60 * minutes).toFixed(1).padStart(4, "0")}`;
  }
}
