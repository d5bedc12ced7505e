/** `npm run rebuild`: the projector's rebuild, against the stack that runs on the data folder or the named servers. */

import { fileURLToPath } from "node:url";
import { runProgram } from "./run-program.ts";
import { readAddresses } from "./stack-addresses.ts";
import { readStackSettings } from "./stack-settings.ts";
import { untilToldToStop } from "./stop-request.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

process.exitCode = await main(process.argv.slice(2));
process.stdin.destroy();

async function main(args: readonly string[]): Promise<number> {
  const read = readStackSettings(process.env, root);
  if (read.kind === "refused") return refuse(read.message);
  const { dataDir } = read.settings;
  const addresses = readAddresses(dataDir);
  const databaseUrl = process.env.DATABASE_URL ?? addresses?.databaseUrl;
  if (databaseUrl === undefined) {
    return refuse(`No Posthorn runs on ${dataDir}: start it first (npm start), or set DATABASE_URL.`);
  }
  const { exitedWell } = await runProgram(process.execPath, ["services/projector/src/rebuild-main.ts", ...args], {
    cwd: root,
    env: { ...process.env, DATABASE_URL: databaseUrl, NATS_URL: process.env.NATS_URL ?? addresses?.natsUrl },
    signal: untilToldToStop(process),
    output: "inherit",
  });
  return exitedWell ? 0 : 1;
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
