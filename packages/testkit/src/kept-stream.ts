/** Keeps a copy of a stream's files and puts it back later: what a restored backup, or a crash of a machine, leaves. */

import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { TestNats } from "./test-nats.ts";

export type KeptStream = {
  /** Restarts the server with the stream as it was when it was kept. */
  putBack(): Promise<void>;
};

export type KeptPart = "all" | "messages" | "consumers";

const FOLDER_OF: Readonly<Record<KeptPart, string>> = { all: "", messages: "msgs", consumers: "obs" };

/**
 * The server is stopped for the copy and started again.
 * @param part "messages" leaves the stream's consumers as they will be, "consumers" its messages: a machine that crashes
 * writes neither in step.
 */
export async function keepStream(nats: TestNats, stream: string, part: KeptPart): Promise<KeptStream> {
  const whole = join(nats.dir, "jetstream", "$G", "streams", stream);
  const files = join(whole, FOLDER_OF[part]);
  const copy = join(nats.dir, `kept-${stream}-${part}`);
  await nats.server.stop();
  await rm(copy, { recursive: true, force: true });
  await cp(files, copy, { recursive: true });
  await nats.server.restart();
  return {
    putBack: async () => {
      await nats.server.stop();
      await rm(files, { recursive: true });
      await cp(copy, files, { recursive: true });
      await nats.server.restart();
    },
  };
}
