import { type ChildProcess, exec, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findFreePort } from "@posthorn/local-servers";
import { createTestFolder, waitUntil } from "@posthorn/testkit";
import { afterEach, expect, it } from "vitest";
import { findLeftovers, processesNaming } from "../../deploy/local/leftover-processes.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const STOP_MS_MAX = 10_000;
const START_TIMEOUT_MS = 60_000;

type Started = { readonly npm: ChildProcess; readonly output: () => string; readonly dataDir: string };

const started: ChildProcess[] = [];
afterEach(() => {
  for (const npm of started.splice(0)) npm.kill("SIGTERM");
});

async function npmStart(options: { dataDir?: string; args?: readonly string[] } = {}): Promise<Started> {
  const dataDir = options.dataDir ?? (await createTestFolder("npm-start"));
  const npm = spawn("npm", ["start", "--", ...(options.args ?? [])], {
    cwd: ROOT,
    env: {
      ...process.env,
      NATS_URL: "",
      DATABASE_URL: "",
      POSTHORN_DATA_DIR: dataDir,
      POSTHORN_API_PORT: String(await findFreePort()),
      POSTHORN_INGEST_PORT: String(await findFreePort()),
      POSTHORN_INGEST_GRPC_PORT: String(await findFreePort()),
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  started.push(npm);
  let text = "";
  for (const stream of [npm.stdout, npm.stderr]) {
    stream?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
    });
  }
  await waitUntil(() => text.includes("demo delivery verified"), {
    timeoutMs: START_TIMEOUT_MS,
    describe: () => `"demo delivery verified" in the output of npm start:\n${text}`,
  });
  return { npm, output: () => text, dataDir };
}

/** As Ctrl-C and service managers do: a signal to npm, nothing more. */
async function stop({ npm, dataDir }: Started, signal: NodeJS.Signals): Promise<void> {
  const startedMs = performance.now();
  npm.kill(signal);
  await once(npm, "exit");
  expect(performance.now() - startedMs).toBeLessThan(STOP_MS_MAX);
  expect(await findLeftovers(dataDir)).toEqual([]);
}

function printedCommands(output: string): string[] {
  return output.split("\n").filter((line) => line.trim().startsWith("curl "));
}

const run = async (command: string) => JSON.parse((await promisify(exec)(command)).stdout);

it("starts everything, shows a verified delivery, keeps its data, and runs beside another stack", async () => {
  const first = await npmStart();
  const second = await npmStart({ args: ["--matchers", "2", "--dispatchers", "2"] });
  const [subscribe = "", publish = "", watch = ""] = printedCommands(first.output());
  const webhook = await run(subscribe);
  expect(webhook).toMatchObject({ events: ["agent.*"], is_active: true });
  const event = await run(publish);
  const seen = await waitUntil(
    async () => {
      const { items } = await run(watch);
      return items.find((item: { event_id: string; status: string }) => {
        return item.event_id === event.id && item.status === "delivered";
      });
    },
    { timeoutMs: 15_000, describe: "the published event in the printed watch command" },
  );
  expect(first.output()).toContain(`received ${seen.id}`);
  const [, , otherWatch = ""] = printedCommands(second.output());
  expect((await run(otherWatch)).items.some((item: { event_id: string }) => item.event_id === event.id)).toBe(false);
  await stop(second, "SIGTERM");
  await stop(first, "SIGINT");

  const again = await npmStart({ dataDir: first.dataDir });
  const [, publishAgain = "", watchAgain = ""] = printedCommands(again.output());
  const { items } = await run(watchAgain);
  expect(items.some((item: { id: string }) => item.id === seen.id)).toBe(true);
  // Payloads live in NATS, history in Postgres: both are still there.
  const watchEvent = watchAgain.replace(/\/deliveries[^']*/, `/events/${event.id}`);
  expect(await run(watchEvent)).toMatchObject({ id: event.id, data: { hello: "world" } });
  await run(publishAgain);
  await waitUntil(
    async () =>
      (await run(watchAgain)).items.filter((item: { webhook_id: string }) => item.webhook_id === webhook.id).length >=
      2,
    { timeoutMs: 15_000, describe: "the webhook of the first run to get the second event" },
  );
  await stop(again, "SIGINT");
}, 240_000);

it("ends every child when the supervisor is killed", async () => {
  const { npm, dataDir } = await npmStart();
  const supervisor = processesNaming(dataDir).find(({ command }) => command.includes("deploy/local/start.ts"));
  expect(supervisor).toBeDefined();
  process.kill(supervisor?.pid ?? 0, "SIGKILL");
  await once(npm, "exit");
  expect(await findLeftovers(dataDir)).toEqual([]);
}, 120_000);
