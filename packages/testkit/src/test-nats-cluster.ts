/** A NATS cluster for one test file, which may kill, freeze and restart each of its servers. */

import { join } from "node:path";
import { type LocalServer, openNatsCluster, startLeash } from "@posthorn/local-servers";
import { createTestFolder, trackOpen } from "./leak-guard.ts";

export interface TestNatsCluster extends AsyncDisposable {
  /** The addresses of all servers, comma-separated. */
  readonly url: string;
  /** "nats-1", "nats-2", "nats-3", as the cluster itself calls them. */
  readonly names: readonly string[];
  /** SIGKILL; returns when the process has ended. It stays down until `restart`. */
  kill(name: string): Promise<void>;
  /** SIGSTOP: connections stay open, nothing answers. */
  freeze(name: string): Promise<void>;
  thaw(name: string): Promise<void>;
  /** Stops the server if it runs and starts it on the same port and data; returns when it answers. */
  restart(name: string): Promise<void>;
}

/**
 * Three servers on empty folders and free ports, always as processes of this machine. Its files are removed at the end
 * of the test file, or kept when a test of it failed.
 */
export async function startTestNatsCluster(): Promise<TestNatsCluster> {
  const dir = await createTestFolder("nats-cluster");
  const leash = startLeash();
  const opened = await openNatsCluster({
    env: process.env,
    dir: join(dir, "data"),
    logFileOf: (name) => join(dir, `${name}.log`),
    leash,
  });
  if (opened.kind === "unavailable") throw new Error(opened.message);
  const { url, servers } = opened.cluster;
  const close = trackOpen(`NATS cluster ${url}`);
  const serverOf = (name: string): LocalServer => {
    const found = servers.find((one) => one.name === name);
    if (found === undefined) throw new Error(`the cluster has no server "${name}"`);
    return found.server;
  };
  return {
    url,
    names: servers.map(({ name }) => name),
    kill: async (name) => {
      const server = serverOf(name);
      const exited = server.exited();
      await server.kill("SIGKILL");
      await exited;
    },
    freeze: (name) => serverOf(name).kill("SIGSTOP"),
    thaw: (name) => serverOf(name).kill("SIGCONT"),
    restart: (name) => serverOf(name).restart(),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map(({ server }) => server.stop()));
      leash[Symbol.dispose]();
      close();
    },
  };
}
