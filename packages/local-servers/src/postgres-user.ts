/**
 * Postgres refuses to run as root. A user namespace with one mapped user satisfies it without a system user and works
 * in folders that only root can enter, since to the kernel it is still root. Where namespaces are forbidden, as in many
 * containers, the programs run as "nobody", which needs folders that others can enter.
 */

import { chownSync } from "node:fs";
import type { ChildCommand } from "./owned-child.ts";
import { runTool } from "./run-tool.ts";

/** How the Postgres programs are started. */
export type PostgresUser =
  | { readonly kind: "current" }
  | { readonly kind: "namespace" }
  | { readonly kind: "nobody"; readonly uid: number; readonly gid: number };

const NAMESPACE_ARGS = ["--user", "--map-user=1000", "--map-group=1000", "--"];
const NOBODY = { uid: 65_534, gid: 65_534 };
const TRIAL_TIMEOUT_MS = 5_000;

/** Throws with one sentence when root can use neither way; `paths` are what Postgres must be able to reach. */
export async function choosePostgresUser(isRoot: boolean, paths: readonly string[]): Promise<PostgresUser> {
  if (!isRoot) return { kind: "current" };
  const trial = await runTool("unshare", [...NAMESPACE_ARGS, "true"], { timeoutMs: TRIAL_TIMEOUT_MS });
  if (trial.kind === "done") return { kind: "namespace" };
  for (const path of paths) {
    if (await canNobodyReach(path)) continue;
    throw new Error(
      'Postgres refuses to run as root, user namespaces are forbidden here, and the user "nobody" cannot reach ' +
        `${path}: use a folder that others can enter, or set DATABASE_URL to a running Postgres.`,
    );
  }
  return { kind: "nobody", ...NOBODY };
}

/** Only root can ask. */
export async function canNobodyReach(path: string): Promise<boolean> {
  return (await runTool("test", ["-x", path], { timeoutMs: TRIAL_TIMEOUT_MS, ...NOBODY })).kind === "done";
}

/** The same command, run as that user. `unshare` replaces itself by the program, so the process id is the program's. */
export function runAs(user: PostgresUser, command: ChildCommand): ChildCommand {
  switch (user.kind) {
    case "current":
      return command;
    case "namespace":
      return { ...command, command: "unshare", args: [...NAMESPACE_ARGS, command.command, ...command.args] };
    case "nobody":
      return { ...command, identity: { uid: user.uid, gid: user.gid } };
  }
}

/** Gives a folder or file of ours to the user that Postgres runs as, where that is another one. */
export function giveTo(user: PostgresUser, path: string): void {
  if (user.kind === "nobody") chownSync(path, user.uid, user.gid);
}
