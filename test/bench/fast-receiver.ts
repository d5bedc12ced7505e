/** A receiver that is not the bottleneck: nginx when the machine has it, else a Node server in a process of its own. */

import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort, type Leash, LOOPBACK, startOwnedChild } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";
import { request } from "undici";
import { findProgram } from "./find-program.ts";

export type FastReceiver = AsyncDisposable & {
  readonly kind: "nginx" | "node";
  /** Takes posts. */
  readonly url: string;
  readonly pid: number;
  /** Posts so far. Asking costs the receiver about as much as one post. */
  count(): Promise<number>;
};

const NODE_RECEIVER = fileURLToPath(new URL("node-receiver.ts", import.meta.url));
const STOP_GRACE_MS = 2_000;

/** @param folder for the receiver's files. */
export async function startFastReceiver(folder: string, leash: Leash): Promise<FastReceiver> {
  const port = await findFreePort();
  const base = `http://${LOOPBACK}:${port}`;
  const nginx = findProgram("nginx");
  const [command, args] =
    nginx === undefined
      ? [process.execPath, [NODE_RECEIVER, String(port)]]
      : [nginx, ["-p", folder, "-c", await writeNginxConfig(folder, port), "-e", join(folder, "error.log")]];
  const child = await startOwnedChild(
    { command, args, env: { PATH: process.env.PATH ?? "" } },
    { leash, logFile: join(folder, "receiver.log"), endSignal: "SIGTERM", stdin: "ignore" },
  );
  const count = nginx === undefined ? () => textOf(`${base}/`).then(Number) : nginxCounter(`${base}/status`);
  await waitUntil(async () => (await count()) >= 0, {
    timeoutMs: 10_000,
    describe: `the receiver ${command} to answer`,
  });
  return {
    kind: nginx === undefined ? "node" : "nginx",
    url: `${base}/hook`,
    pid: child.pid,
    count,
    [Symbol.asyncDispose]: async () => {
      await child.stop(STOP_GRACE_MS);
    },
  };
}

/** nginx counts all requests, these questions among them. */
function nginxCounter(statusUrl: string): () => Promise<number> {
  let questions = 0;
  return async () => {
    const status = await textOf(statusUrl);
    questions += 1;
    const requests = /^ \d+ \d+ (\d+)/m.exec(status)?.[1];
    if (requests === undefined) throw new Error(`nginx's status has no number of requests: ${status}`);
    return Number(requests) - questions;
  };
}

async function textOf(url: string): Promise<string> {
  const { body } = await request(url);
  return body.text();
}

async function writeNginxConfig(folder: string, port: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  const path = join(folder, "nginx.conf");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  await writeFile(
    path,
    `daemon off; master_process off; worker_processes 1; pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off; keepalive_requests 1000000; client_body_buffer_size 64k; ${temporary}
  server {
    listen ${LOOPBACK}:${port};
    location = /status { stub_status; }
    location / { return 200; }
  }
}
`,
  );
  return path;
}
