/** Owns a NATS server and a Postgres in the folder given as argument, says so, and waits to be killed. */

import { join } from "node:path";
import { findNatsServer, startLeash, startNats, startPostgres } from "./index.ts";

const [dir] = process.argv.slice(2);
if (dir === undefined) throw new Error("usage: leash.fixture.ts <folder>");

const leash = startLeash();
const program = await findNatsServer({ env: process.env, isRoot: process.getuid?.() === 0 });
if (program.kind === "missing") throw new Error(program.message);
const [nats, postgres] = await Promise.all([
  startNats({ program, dir: join(dir, "nats"), logFile: join(dir, "nats.log"), leash }),
  startPostgres({ dir: join(dir, "postgres"), logFile: join(dir, "postgres.log"), leash }),
]);
process.stdout.write(`${JSON.stringify({ pids: [nats.pid, postgres.pid], leash: leash.pid })}\n`);
