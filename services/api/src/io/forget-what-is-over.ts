/** Everything that this api forgets when its time is over. Until it is forgotten it counts for nothing already. */

import type { Database } from "@posthorn/database";
import type { BusConnection } from "@posthorn/message-bus";
import type { Kysely } from "kysely";
import type { ApiEvents } from "../events.ts";
import { forgetDeletions } from "./forget-deletions.ts";
import type { IdempotencyKeys } from "./idempotency-keys.ts";
import { nowAndThen } from "./now-and-then.ts";
import { forgetKeptPromises } from "./replays.ts";
import type { Webhooks } from "./webhooks.ts";

export type ForgetPorts = {
  readonly db: Kysely<Database>;
  readonly connection: BusConnection;
  readonly webhooks: Pick<Webhooks, "purgeSecrets">;
  readonly idempotencyKeys: Pick<IdempotencyKeys, "purge">;
  readonly nowMs: () => number;
  readonly events: Pick<ApiEvents, "trouble">;
};

const FORGET_EVERY_MS = 10 * 60_000;

export function forgetWhatIsOver(ports: ForgetPorts): AsyncDisposable {
  const { db, connection, webhooks, idempotencyKeys, nowMs, events } = ports;
  const stack = new AsyncDisposableStack();
  const chore = (part: Parameters<ApiEvents["trouble"]>[0], act: () => Promise<unknown>) =>
    stack.use(nowAndThen({ everyMs: FORGET_EVERY_MS, act, onTrouble: (reason) => events.trouble(part, reason) }));
  chore("idempotency keys", () => idempotencyKeys.purge(nowMs()));
  chore("replay requests", () => forgetKeptPromises(db));
  chore("payload deletions", () => forgetDeletions({ db, connection, nowMs }));
  // Nobody signs with them since their overlap ended.
  chore("secrets", async () => {
    while ((await webhooks.purgeSecrets(nowMs())) > 0);
  });
  return stack;
}
