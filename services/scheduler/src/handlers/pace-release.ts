/**
 * Releases due retries no faster than the dispatchers take them: what they have not taken is of no use to anybody in
 * the stream, and releasing it takes the processor from first attempts. Late retries are the lesser evil.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { isFullPage, type ReleasePorts, releaseDue } from "./release-due.ts";
import { partitionsWithRoom, type UntakenPorts } from "./room-for-retries.ts";

export type PacePorts = ReleasePorts & UntakenPorts;

/** Partitions without room are looked at again after this time. */
const NO_ROOM_WAIT_MS = 25;
/** How late a retry may be for want of a look. */
const LOOK_EVERY_MS = 200;
/** While nothing is due within this time; so late is what becomes due without notice, an attempt that somebody asks for. */
const QUIET_LOOK_EVERY_MS = 500;

export class PacedRelease {
  readonly #ports: PacePorts;
  /** Nobody is asked for room before a page was full: a few retries always have it. */
  #isWave = false;
  #isQuiet = false;

  constructor(ports: PacePorts) {
    this.#ports = ports;
  }

  /** From one look to the next, when there is no more to release at once. */
  get lookAfterMs(): number {
    return this.#isQuiet ? QUIET_LOOK_EVERY_MS : LOOK_EVERY_MS;
  }

  /** Releases a page of each partition that has something due, and room for it. @returns whether there may be more at once. */
  async run(partitions: readonly number[]): Promise<boolean> {
    const ports = this.#ports;
    const soon = await ports.rows.partitionsDue(partitions, ports.nowMs() + QUIET_LOOK_EVERY_MS);
    this.#isQuiet = soon.length === 0;
    const withRoom = this.#isWave ? await partitionsWithRoom(ports, soon) : soon;
    const isHeldBack = withRoom.length < soon.length;
    this.#isWave = isFullPage(await releaseDue(ports, withRoom)) || isHeldBack;
    if (isHeldBack) await sleep(NO_ROOM_WAIT_MS);
    return this.#isWave;
  }
}
