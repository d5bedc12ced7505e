/** `npm start`: runs the whole engine on this machine, shows that it works, keeps it running until told to stop. */

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { announcement } from "./announcement.ts";
import { openDemoOrganisation, runDemo } from "./demo.ts";
import { type ReceivedDelivery, startDemoReceiver } from "./demo-receiver.ts";
import { restClient } from "./rest-client.ts";
import { type Stack, startStack } from "./stack.ts";
import { describeStackEvent } from "./stack-events.ts";
import { parseStartArguments } from "./start-arguments.ts";
import { untilToldToStop } from "./stop-request.ts";

/** Deliveries to the built-in receiver that are remembered for the demo to look through. */
const RECEIVED_KEPT_MAX = 1_000;
/** Short, because a stop may be waiting for it. */
const CLEAN_UP_TIMEOUT_MS = 1_500;

const root = fileURLToPath(new URL("../..", import.meta.url));

process.exitCode = await main(process.argv.slice(2));
process.stdin.destroy();

async function main(args: readonly string[]): Promise<number> {
  const parsed = parseStartArguments(args);
  if (parsed.kind === "refused") return refuse(parsed.message);
  const stopRequest = untilToldToStop(process);
  try {
    const started = await startStack({
      env: process.env,
      counts: parsed.counts,
      natsLayout: parsed.natsLayout,
      root,
      report: (event) => say(describeStackEvent(event)),
      signal: stopRequest,
    });
    if (started.kind === "refused") return refuse(started.message);
    await using stack = started.stack;
    await serve(stack, stopRequest);
    say("stopping");
  } catch (error) {
    if (!stopRequest.aborted) return refuse(error instanceof Error ? error.message : String(error));
  }
  say("stopped");
  return 0;
}

/** Shows the demo and then what the built-in receiver gets, until the stop is requested. */
async function serve(stack: Stack, stopRequest: AbortSignal): Promise<void> {
  const received: ReceivedDelivery[] = [];
  await using receiver = await startDemoReceiver(join(stack.dataDir, "receiver-port"), (delivery) => {
    received.push(delivery);
    if (received.length > RECEIVED_KEPT_MAX) received.shift();
    if (!delivery.path.startsWith("/demo/")) say(`received ${delivery.id} at ${delivery.path}: ${delivery.body}`);
  });
  const api = restClient(stack.apiUrl, stack.adminKey, { signal: stopRequest });
  const ingest = restClient(stack.ingestUrl, stack.adminKey, { signal: stopRequest });
  const cleanUp = restClient(stack.apiUrl, stack.adminKey, { timeoutMs: CLEAN_UP_TIMEOUT_MS });
  try {
    const orgId = await openDemoOrganisation(api);
    process.stdout.write(`${announcement({ stack, env: process.env, orgId, receiverUrl: receiver.url })}\n`);
    const demo = await runDemo({
      api,
      ingest,
      cleanUp,
      signal: stopRequest,
      orgId,
      receiverUrl: receiver.url,
      received,
    });
    say(demo.kind === "verified" ? `demo delivery verified (${demo.tookMs} ms)` : demo.message);
  } catch (error) {
    if (stopRequest.aborted) return;
    // The stack goes on: whoever started it may want to look at what is wrong.
    say(`the demo failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  await new Promise<void>((resolve) => {
    if (stopRequest.aborted) resolve();
    else stopRequest.addEventListener("abort", () => resolve(), { once: true });
  });
}

function say(text: string): void {
  process.stdout.write(`[posthorn] ${text}\n`);
}

function refuse(message: string): number {
  process.stderr.write(`${message}\n`);
  return 1;
}
