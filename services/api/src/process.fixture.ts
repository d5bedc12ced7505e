/** Real services as processes of their own, for tests that must see one from outside or need what it does. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { trackOpen, waitUntil } from "@posthorn/testkit";

const MAINS = {
  signer: fileURLToPath(new URL("../../signer/src/main.ts", import.meta.url)),
  ingest: fileURLToPath(new URL("../../ingest/src/main.ts", import.meta.url)),
  dispatcher: fileURLToPath(new URL("../../dispatcher/src/main.ts", import.meta.url)),
  api: fileURLToPath(new URL("main.ts", import.meta.url)),
};
const START_MS_MAX = 15_000;

export interface TestProcess extends AsyncDisposable {
  /** Its exit code; null when a signal ended it. */
  readonly exited: Promise<number | null>;
  /** Everything it has printed so far. */
  output(): string;
  /** The first number printed under this name, such as a port. */
  printed(field: string): Promise<number>;
  /** Sends the signal, unless it has ended already, and waits for the end. */
  ended(signal: NodeJS.Signals): Promise<number | null>;
}

export function startProcess(service: keyof typeof MAINS, env: Readonly<Record<string, string>>): TestProcess {
  const child = spawn(process.execPath, [MAINS[service]], {
    env: { ...env, POSTHORN_LEASH: "stdin" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const close = trackOpen(`process of ${service}`);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  const exited = once(child, "close").then(([code]) => {
    close();
    return code as number | null;
  });
  const ended = async (signal: NodeJS.Signals) => {
    if (child.exitCode === null) child.kill(signal);
    return exited;
  };
  return {
    exited,
    output: () => output,
    printed: async (field) => {
      const found = await waitUntil(() => new RegExp(`"${field}":(\\d+)`).exec(output), {
        describe: () => `${service} to print ${field}; it printed: ${output}`,
        timeoutMs: START_MS_MAX,
      });
      return Number(found[1]);
    },
    ended,
    [Symbol.asyncDispose]: async () => void (await ended("SIGKILL")),
  };
}

/** For a service that does not print which port it took. */
export async function findFreePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

/** A signer with a master key of its own; the target is what its callers connect to. */
export async function startTestSigner(): Promise<TestProcess & { readonly target: string }> {
  const masterKey = Buffer.alloc(32, 7).toString("base64");
  const signer = startProcess("signer", { POSTHORN_MASTER_KEY: masterKey });
  return { ...signer, target: `127.0.0.1:${await signer.printed("grpc_port")}` };
}
