import { spawn } from "node:child_process";
import { once } from "node:events";
import { createTestFolder } from "@posthorn/testkit";
import { expect, test } from "vitest";
import { canFindLeftovers, findLeftovers, processesNaming } from "./leftover-processes.ts";

test.runIf(canFindLeftovers())(
  "a process is found by its environment or its command line, until it has ended",
  async () => {
    const folder = await createTestFolder("leftovers");
    const byEnvironment = spawn("/bin/sleep", ["30"], { env: { TMPDIR: folder }, stdio: "ignore" });
    const byCommand = spawn("/bin/sh", ["-c", "sleep 30", folder], { env: {}, stdio: "ignore" });
    const unrelated = spawn("/bin/sleep", ["30"], { env: {}, stdio: "ignore" });
    const children = [byEnvironment, byCommand, unrelated];
    await Promise.all(children.map((child) => once(child, "spawn")));

    const pids = processesNaming(folder).map(({ pid }) => pid);
    expect(pids).toContain(byEnvironment.pid);
    expect(pids).toContain(byCommand.pid);
    expect(pids).not.toContain(unrelated.pid);

    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => once(child, "exit")));
    expect(await findLeftovers(folder)).toEqual([]);
  },
);
