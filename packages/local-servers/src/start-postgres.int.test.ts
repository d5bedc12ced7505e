import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Leash, startLeash } from "./leash.ts";
import { createDatabase, dropDatabase, pingPostgres } from "./postgres-admin.ts";
import { locatePostgres } from "./postgres-program.ts";
import { canNobodyReach } from "./postgres-user.ts";
import type { LocalServer } from "./server-process.ts";
import { type PostgresOptions, startPostgres } from "./start-postgres.ts";

let dir: string;
let leash: Leash;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "posthorn-postgres-"));
  leash = startLeash();
});

afterEach(() => {
  leash[Symbol.dispose]();
  rmSync(dir, { recursive: true, force: true });
});

function start(options: Partial<PostgresOptions> = {}): Promise<LocalServer> {
  return startPostgres({ dir: join(dir, "postgres"), logFile: join(dir, "postgres.log"), leash, ...options });
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("data survive a clean stop and a second start of the same folder", async () => {
  const first = await start();
  await query(first.url, "create table kept as select 42 as answer");
  await first.stop();
  expect(await pingPostgres(first.url)).toBe(false);

  await using second = await start();
  expect(await query(second.url, "select answer from kept")).toEqual([{ answer: 42 }]);
});

test("committed data survive SIGKILL, and the server comes back on the same port", async () => {
  await using postgres = await start();
  await query(postgres.url, "create table kept as select 42 as answer");
  const firstPid = postgres.pid;
  await postgres.kill("SIGKILL");
  await postgres.exited();
  await postgres.restart();
  expect(postgres.pid).not.toBe(firstPid);
  expect(await query(postgres.url, "select answer from kept")).toEqual([{ answer: 42 }]);
});

test("a stop does not wait for open connections", async () => {
  const postgres = await start();
  const client = new Client({ connectionString: postgres.url });
  client.on("error", () => {});
  await client.connect();
  await client.query("begin");
  await postgres.stop();
  expect(await postgres.exited()).toEqual({ kind: "code", code: 0 });
});

test("it is durable, on the loopback address only, and its password is readable by its owner only", async () => {
  await using postgres = await start();
  const settings = await query(
    postgres.url,
    `select name, setting from pg_settings
     where name in ('fsync', 'synchronous_commit', 'listen_addresses') order by name`,
  );
  expect(settings).toEqual([
    { name: "fsync", setting: "on" },
    { name: "listen_addresses", setting: "127.0.0.1" },
    { name: "synchronous_commit", setting: "on" },
  ]);
  const wrong = new URL(postgres.url);
  wrong.password = "wrong";
  expect(await pingPostgres(wrong.href)).toBe(false);
  expect(statSync(join(dir, "postgres", "password")).mode & 0o777).toBe(0o600);
});

test("a process id file left by a crash of the machine does not keep it from starting", async () => {
  const first = await start();
  await first.stop();
  // After a reboot the number may be anybody's; here it is this test's own process.
  writeFileSync(join(dir, "postgres", "cluster", "postmaster.pid"), `${process.pid}\n`);
  await using second = await start();
  expect(await pingPostgres(second.url)).toBe(true);
});

test("a creation that was interrupted starts over", async () => {
  mkdirSync(join(dir, "postgres", "cluster.unfinished", "base"), { recursive: true });
  await using postgres = await start();
  expect(await pingPostgres(postgres.url)).toBe(true);
});

test("a cluster that cannot start fails with the end of its log", async () => {
  const first = await start();
  await first.stop();
  const configFile = join(dir, "postgres", "cluster", "postgresql.conf");
  writeFileSync(configFile, `${readFileSync(configFile, "utf8")}\nno_such_setting = 1\n`);
  await expect(start()).rejects.toThrow(/Postgres ended while it was starting.*no_such_setting/s);
});

test("databases are copied from a template and dropped with their connections", async () => {
  await using postgres = await start();
  const template = await createDatabase(postgres.url, "template");
  await query(template, "create table copied as select 1 as n");
  const copy = await createDatabase(postgres.url, "copy", "template");
  expect(await query(copy, "select n from copied")).toEqual([{ n: 1 }]);

  const client = new Client({ connectionString: copy });
  client.on("error", () => {});
  await client.connect();
  await dropDatabase(postgres.url, "copy");
  expect(await pingPostgres(copy)).toBe(false);
});

const canDropRoot =
  process.getuid?.() === 0 && (await canNobodyReach(locatePostgres().postgres)) && (await canNobodyReach(tmpdir()));

test.runIf(canDropRoot)("as root without user namespaces it runs as nobody", async () => {
  chmodSync(dir, 0o755);
  await using postgres = await start({ user: { kind: "nobody", uid: 65_534, gid: 65_534 } });
  await query(postgres.url, "create table kept as select 1 as n");
  await postgres.kill("SIGKILL");
  await postgres.restart();
  expect(statSync(join(dir, "postgres", "cluster")).uid).toBe(65_534);
});
