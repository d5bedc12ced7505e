/** Owns the processes of a stack: keeps each of them running, and ends all of them in order. */

import { keepRunning, type Member, type StartedMember } from "./keep-running.ts";
import type { StackEvent } from "./stack-events.ts";
import { stopMembers } from "./stop-members.ts";

/** When a member is stopped: the front first, the servers last. */
export type StopStage = "front" | "data-plane" | "server";

interface KeptMember {
  readonly member: Member;
  readonly stage: StopStage;
  /** Settles when nobody restarts it any more. */
  readonly kept: Promise<void>;
}

export class Supervisor implements AsyncDisposable {
  readonly #report: (event: StackEvent) => void;
  readonly #stopping = new AbortController();
  readonly #members = new Map<string, KeptMember>();
  #stopped: Promise<void> | undefined;

  constructor(report: (event: StackEvent) => void) {
    this.#report = report;
  }

  /** From now on the member, which runs already, is started again whenever it ends. */
  keep(member: Member, stage: StopStage, started: StartedMember): void {
    const kept = keepRunning(member, started, this.#stopping.signal, this.#report);
    this.#members.set(member.name, { member, stage, kept });
  }

  /** Name to process id, of everything that runs now. */
  pids(): Readonly<Record<string, number>> {
    const running = [...this.#members.values()].flatMap(({ member }) =>
      member.pid === undefined ? [] : [[member.name, member.pid] as const],
    );
    return Object.fromEntries(running);
  }

  /** Throws when there is no process of this name. */
  kill(name: string, signal: NodeJS.Signals): void {
    const kept = this.#members.get(name);
    if (kept === undefined) {
      throw new Error(`there is no process "${name}"; there are ${[...this.#members.keys()].join(", ")}`);
    }
    kept.member.kill(signal);
  }

  /** Returns when all have ended; further calls wait for the same end. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stopAll(): Promise<void> {
    this.#stopping.abort();
    const inStage = (stage: StopStage): Member[] =>
      [...this.#members.values()].filter((kept) => kept.stage === stage).map(({ member }) => member);
    await stopMembers({ front: inStage("front"), dataPlane: inStage("data-plane"), servers: inStage("server") });
    await Promise.all([...this.#members.values()].map(({ kept }) => kept));
  }
}
