import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { identifyProcess } from "@posthorn/local-servers";
import { waitUntil } from "@posthorn/testkit";
import { afterEach, beforeEach, expect, test } from "vitest";

const bootstrap = fileURLToPath(new URL("./bootstrap.js", import.meta.url));
const NODE_PACKAGE = "node_modules/posthorn-test-package";

let root: string;

/** A project with one locked package, a `start` that says what it was given, and an npm that records its calls. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "posthorn-bootstrap-"));
  mkdirSync(join(root, "deploy", "local"), { recursive: true });
  mkdirSync(join(root, "bin"));
  cpSync(bootstrap, join(root, "deploy", "local", "bootstrap.js"));
  writeFileSync(join(root, "package.json"), '{ "type": "module" }');
  lockVersion("1.0.0");
  writeFileSync(
    join(root, "deploy", "local", "start.ts"),
    `
    const leash: string | undefined = process.env.POSTHORN_LEASH;
    console.log(JSON.stringify({ pid: process.pid, args: process.argv.slice(2), leash, path: process.env.PATH }));
    const exitCode = Number(process.argv[2]);
    if (exitCode > 0) process.exit(exitCode);
    process.on("SIGTERM", () => { console.log("SIGTERM"); process.exit(0); });
    process.stdin.on("end", () => process.exit(0)).resume();
    `,
  );
  writeFileSync(
    join(root, "bin", "npm"),
    [
      "#!/bin/sh",
      `cd "${root}"`,
      'echo "$@" >> npm-calls',
      "mkdir -p node_modules",
      "cp package-lock.json node_modules/.package-lock.json",
    ].join("\n"),
  );
  chmodSync(join(root, "bin", "npm"), 0o755);
});

afterEach(() => rmSync(root, { recursive: true, force: true }));

function lockVersion(version: string): void {
  const lock = {
    packages: { "": {}, [NODE_PACKAGE]: { version }, "node_modules/elsewhere": { version: "1.0.0", optional: true } },
  };
  writeFileSync(join(root, "package-lock.json"), JSON.stringify(lock));
}

const environment = (): Record<string, string> => ({ PATH: `${join(root, "bin")}${delimiter}${process.env.PATH}` });

function run(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, [join(root, "deploy", "local", "bootstrap.js"), ...args], {
    encoding: "utf8",
    env: environment(),
  });
}

function npmCalls(): readonly string[] {
  const file = join(root, "npm-calls");
  return existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
}

async function startAndStay(): Promise<{
  readonly bootstrapped: ChildProcess;
  readonly pid: number;
  output(): string;
}> {
  const bootstrapped = spawn(process.execPath, [join(root, "deploy", "local", "bootstrap.js"), "start", "0"], {
    env: environment(),
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  bootstrapped.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const [line] = await waitUntil(() => /\{.*\}/.exec(output), { describe: "the first line of the program" });
  const { pid } = JSON.parse(line) as { readonly pid: number };
  return { bootstrapped, pid, output: () => output };
}

test("packages are installed when missing, and not again while the lock file stays the same", () => {
  expect(run("start", "3").status).toBe(3);
  expect(npmCalls()).toEqual(["ci --no-audit --no-fund --loglevel=error"]);
  run("start", "3");
  expect(npmCalls()).toHaveLength(1);
});

test("packages are installed again when the lock file changed, or an installation was broken off", () => {
  run("start", "3");
  lockVersion("2.0.0");
  run("start", "3");
  expect(npmCalls()).toHaveLength(2);
  rmSync(join(root, "node_modules", ".package-lock.json"));
  run("start", "3");
  expect(npmCalls()).toHaveLength(3);
});

test("a failed installation is one sentence", () => {
  writeFileSync(join(root, "bin", "npm"), "#!/bin/sh\nexit 7\n");
  const { status, stderr } = run("start");
  expect(status).toBe(1);
  expect(stderr).toBe("The packages could not be installed: npm ci failed (exit code 7).\n");
});

test("arguments and exit code are passed on, and programs it starts find the same Node first", () => {
  const { status, stdout } = run("start", "5", "--matchers", "2");
  expect(status).toBe(5);
  const [line] = /\{.*\}/.exec(stdout) ?? [""];
  const seen = JSON.parse(line) as { readonly args: string[]; readonly leash: string; readonly path: string };
  expect(seen.args).toEqual(["5", "--matchers", "2"]);
  expect(seen.leash).toBe("stdin");
  expect(seen.path.split(delimiter)[0]).toBe(dirname(process.execPath));
});

test("an unknown command and a command without a program are refused in one sentence", () => {
  expect(run("stop")).toMatchObject({
    status: 1,
    stderr: 'Unknown command "stop"; there are start, test, bench, faults, simulate, rebuild.\n',
  });
  expect(run("bench").stderr).toMatch(/^This version of Posthorn has no "bench": .* is missing\.\n$/);
});

test("a signal to the bootstrap alone reaches the program", async () => {
  const { bootstrapped, output } = await startAndStay();
  bootstrapped.kill("SIGTERM");
  const [code] = await once(bootstrapped, "close");
  expect(code).toBe(0);
  expect(output()).toContain("SIGTERM");
});

test("the program ends when the bootstrap is killed", async () => {
  const { bootstrapped, pid } = await startAndStay();
  bootstrapped.kill("SIGKILL");
  await waitUntil(() => identifyProcess(pid) === undefined, { describe: "the end of the program" });
});
