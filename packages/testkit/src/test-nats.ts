/** A NATS server for one test file, which may kill and restart it. */

import { join } from "node:path";
import { type LocalServer, openNats, startLeash } from "@posthorn/local-servers";
import { createTestFolder, trackOpen } from "./leak-guard.ts";
import { backendFromEnvironment } from "./test-backend.ts";

export interface TestNats extends AsyncDisposable {
  /** To kill and restart it. */
  readonly server: LocalServer;
  readonly url: string;
  /** Where a server on this machine keeps its files. */
  readonly dir: string;
}

/**
 * Empty streams, a random port, the same port after a restart. Its files are removed at the end of the test file, or
 * kept when a test of it failed.
 */
export async function startTestNats(): Promise<TestNats> {
  const folder = await createTestFolder("nats");
  const dir = join(folder, "data");
  const leash = startLeash();
  const opened = await openNats({
    // A server that somebody else runs could be neither restarted nor started empty.
    env: { ...process.env, NATS_URL: undefined },
    backend: backendFromEnvironment(process.env),
    dir,
    logFile: join(folder, "nats.log"),
    leash,
  });
  if (opened.kind === "unavailable") throw new Error(opened.message);
  if (opened.kind === "external") throw new Error(`a test must own its NATS server, but was given ${opened.url}`);
  const { server } = opened;
  const close = trackOpen(`NATS server ${server.url}`);
  return {
    server,
    url: server.url,
    dir,
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      leash[Symbol.dispose]();
      close();
    },
  };
}
