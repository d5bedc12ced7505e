/**
 * The `rebuild` command: `node services/projector/src/rebuild-main.ts [--verify]` with the tables' owner in
 * `DATABASE_URL`. Exit codes: 0 done or equal, 1 failed, refused or different, 2 wrong usage.
 */

import { parseArgs } from "node:util";
import { readSettings, SettingsError, urlText } from "@posthorn/service-runtime";
import { type RebuildProgress, type RebuildResult, rebuild } from "./handlers/rebuild.ts";
import { openToRebuild } from "./io/open-pools.ts";

const EXIT_FAILED = 1;
const EXIT_WRONG_USAGE = 2;
const PRINT_EVERY_MS = 2_000;
const settings = { databaseUrl: urlText("DATABASE_URL", { protocols: ["postgres", "postgresql"] }) };

const print = (line: string): void => {
  process.stdout.write(`rebuild: ${line}\n`);
};

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { verify: { type: "boolean", default: false } } });
  const { databaseUrl } = readSettings(process.env, settings);
  await using database = openToRebuild(databaseUrl);
  return explain(await rebuild(database.pool, values.verify ? "verify" : "swap", progressPrinter()));
}

function progressPrinter(): (progress: RebuildProgress) => void {
  let printedAtMs = Number.NEGATIVE_INFINITY;
  return ({ partition, messages, upTo }) => {
    if (performance.now() - printedAtMs < PRINT_EVERY_MS) return;
    printedAtMs = performance.now();
    print(`${messages} log messages replayed, now partition ${partition} at ${upTo.epochMs}/${upTo.sequence}`);
  };
}

function explain(result: RebuildResult): number {
  switch (result.kind) {
    case "swapped":
      print("done: the rebuilt projections are live");
      return 0;
    case "refused":
      print(`refused: ${result.reason}`);
      return EXIT_FAILED;
    case "verified": {
      const { differences } = result;
      for (const { table, onlyLive, onlyRebuilt, examples } of differences) {
        print(`${table}: ${onlyLive} rows only live, ${onlyRebuilt} rows only rebuilt`);
        for (const example of examples) print(`  ${example}`);
      }
      if (differences.length > 0) return EXIT_FAILED;
      print("the live projections are those that the archive gives");
      return 0;
    }
    default:
      return result satisfies never;
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof SettingsError || (error instanceof TypeError && "code" in error);
  process.exitCode = isUsage ? EXIT_WRONG_USAGE : EXIT_FAILED;
  print(error instanceof Error ? error.message : String(error));
}
