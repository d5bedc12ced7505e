/**
 * Finds a NATS server program, or gets one: the named one, the PATH, the sbin folders, Debian's package when root,
 * Docker. Debian's package is unpacked into the cache folder and not installed, so it leaves no daemon and no change of
 * the system behind.
 */

import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { unpackDebianPackage } from "./debian-package.ts";
import { isExecutable } from "./executable-file.ts";
import { runTool } from "./run-tool.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export type NatsServerFound =
  | { readonly kind: "binary"; readonly path: string }
  | { readonly kind: "docker"; readonly image: string }
  | { readonly kind: "missing"; readonly message: string };

export interface FindNatsOptions {
  /** Read: `PATH` and `NATS_SERVER_BIN`. */
  readonly env: Environment;
  readonly isRoot: boolean;
  /** Where an unpacked package is kept for the next start. Without it: beside the installed packages. */
  readonly cacheDir?: string;
}

/** What the search asks of the machine; tests answer in its place. */
export interface NatsSearchMachine {
  isExecutable(path: string): boolean;
  /** The program of Debian's package, or undefined when this machine has no such package. */
  unpackPackage(cacheDir: string): Promise<string | undefined>;
  dockerAnswers(): Promise<boolean>;
}

const PROGRAM = "nats-server";
const INSTALLED_CACHE_DIR = fileURLToPath(new URL("../../../node_modules/.cache/posthorn", import.meta.url));
const SBIN_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
const DOCKER_IMAGE = "nats:2.12-alpine";
const DOCKER_INFO_TIMEOUT_MS = 10_000;

const THREE_WAYS =
  "No NATS server was found: set NATS_URL to a running one, install nats-server (on Debian and Ubuntu root gets it " +
  "from the system's packages), or start Docker.";

/** Asks the ways in their order and stops at the first that works. */
export async function findNatsServer(
  options: FindNatsOptions,
  machine: NatsSearchMachine = thisMachine,
): Promise<NatsServerFound> {
  const named = options.env.NATS_SERVER_BIN;
  if (named !== undefined && named !== "") {
    if (machine.isExecutable(named)) return { kind: "binary", path: named };
    return { kind: "missing", message: `NATS_SERVER_BIN names ${named}, which is not an executable file.` };
  }
  const folders = [...(options.env.PATH ?? "").split(delimiter).filter((folder) => folder !== ""), ...SBIN_FOLDERS];
  const path = folders.map((folder) => join(folder, PROGRAM)).find(machine.isExecutable);
  if (path !== undefined) return { kind: "binary", path };

  const unpacked = options.isRoot ? await machine.unpackPackage(options.cacheDir ?? INSTALLED_CACHE_DIR) : undefined;
  if (unpacked !== undefined) return { kind: "binary", path: unpacked };
  if (await machine.dockerAnswers()) return { kind: "docker", image: DOCKER_IMAGE };
  return { kind: "missing", message: THREE_WAYS };
}

const thisMachine: NatsSearchMachine = {
  isExecutable,
  unpackPackage: (cacheDir) => unpackDebianPackage({ name: PROGRAM, programPath: "usr/sbin/nats-server", cacheDir }),
  dockerAnswers: async () => (await runTool("docker", ["info"], { timeoutMs: DOCKER_INFO_TIMEOUT_MS })).kind === "done",
};
