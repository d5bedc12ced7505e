/** A receiver that is not the bottleneck: nginx when the machine has it, else a Node server in a process of its own. */

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort, LOOPBACK } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";

export type FastReceiver = AsyncDisposable & {
  readonly kind: "nginx" | "node";
  readonly url: string;
  readonly pid: number;
};

const NGINX_PLACES = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/local/bin/nginx", "/opt/homebrew/bin/nginx"];
const NODE_RECEIVER = fileURLToPath(new URL("node-receiver.ts", import.meta.url));

/** @param folder for nginx's files. */
export async function startFastReceiver(folder: string): Promise<FastReceiver> {
  const port = await findFreePort();
  const url = `http://${LOOPBACK}:${port}/hook`;
  const nginx = NGINX_PLACES.find((place) => existsSync(place));
  const [command, args] =
    nginx === undefined
      ? [process.execPath, [NODE_RECEIVER, String(port)]]
      : [nginx, ["-p", folder, "-c", await writeNginxConfig(folder, port), "-e", join(folder, "error.log")]];
  const child = spawn(command, args, { stdio: "ignore" });
  await waitUntil(() => fetch(url, { method: "POST", body: "{}" }).then((response) => response.status === 200), {
    timeoutMs: 10_000,
    describe: `the receiver ${command} to answer`,
  });
  return {
    kind: nginx === undefined ? "node" : "nginx",
    url,
    pid: child.pid ?? 0,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await new Promise((resolve) => child.once("exit", resolve));
    },
  };
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
  server { listen ${LOOPBACK}:${port}; location / { return 200; } }
}
`,
  );
  return path;
}
