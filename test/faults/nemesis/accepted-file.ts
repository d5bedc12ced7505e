/**
 * The record of what was accepted: one line per event, on the disk before it counts. Nothing that happens to the
 * machine afterwards makes an accepted event forgotten by the test that looks for it.
 */

import { type FileHandle, open, readFile } from "node:fs/promises";

export type AcceptedEvent = {
  /** In the event's data; no two events of a run have the same. */
  readonly number: number;
  readonly eventId: string;
  readonly type: string;
  /** That had to get it. */
  readonly webhookIds: readonly string[];
};

type Waiting = { readonly line: string; readonly resolve: () => void; readonly reject: (error: unknown) => void };

export class AcceptedFile implements AsyncDisposable {
  readonly #file: FileHandle;
  #waiting: Waiting[] = [];
  #flushing: Promise<void> | undefined;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string): Promise<AcceptedFile> {
    return new AcceptedFile(await open(path, "wx", 0o600));
  }

  /** Returns when the disk has it. What is appended meanwhile shares the next write. */
  append(event: AcceptedEvent): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(event)}\n`, resolve, reject });
      this.#flushing ??= this.#flush();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing;
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        await this.#file.appendFile(batch.map(({ line }) => line).join(""));
        await this.#file.datasync();
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#flushing = undefined;
  }
}

export async function readAcceptedFile(path: string): Promise<readonly AcceptedEvent[]> {
  const lines = (await readFile(path, "utf8")).split("\n");
  // Written by the class above.
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as AcceptedEvent);
}
