/** Load on everything that a crash can hurt: a fan-out, retries, a dead receiver, order. It goes on until it is stopped. */

import { setTimeout as sleep } from "node:timers/promises";
import { type Receiver, type RecordedRequest, startReceiver } from "@posthorn/testkit";
import type { TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";
import { publishInsistently } from "./insistent-calls.ts";

export type CrashLoad = AsyncDisposable & {
  readonly tenant: Tenant;
  readonly receiver: Receiver;
  /** The webhook of `replayed.*`. */
  readonly replayedWebhook: string;
  /** How many events of each type were accepted. */
  readonly accepted: ReadonlyMap<LoadType, number>;
  /** By `webhook-id`: the requests that came to a path, in their order. */
  arrivals(path: string): ReadonlyMap<string, readonly RecordedRequest[]>;
  publish(type: LoadType, count: number): Promise<void>;
  /** From now on the dead receiver answers. */
  heal(): void;
  /** Returns when everything that was published is accepted. */
  stop(): Promise<void>;
};

/** `load` goes to two webhooks, one of which fails first; nobody answers `down` for now; `ordered` keeps its order. */
const LOAD_TYPES = ["load", "down", "ordered", "replayed"] as const;
export type LoadType = (typeof LOAD_TYPES)[number];

const EVERY_MS = 100;
const AT_ONCE: readonly LoadType[] = ["load", "load", "load", "down", "down", "down"];

export async function startCrashLoad(stack: TestStack): Promise<CrashLoad> {
  const tenant = await createTenant(stack, "crashes");
  const receiver = await startReceiver();
  let isDown = true;
  const hasFailed = new Set<string>();
  receiver.answerWith(({ path, header }) => {
    const id = header("webhook-id") ?? "";
    if (path === "/down" && isDown) return 500;
    if (path !== "/flaky" || hasFailed.has(id)) return 200;
    hasFailed.add(id);
    return 404;
  });
  const subscribe = (path: string, type: LoadType, more: object = {}) =>
    tenant.subscribe({ url: `${receiver.url}${path}`, events: [`${type}.*`], ...more });
  await subscribe("/fast", "load");
  await subscribe("/flaky", "load", { retry_schedule_s: Array.from({ length: 10 }, () => 1) });
  await subscribe("/down", "down", { retry_schedule_s: Array.from({ length: 50 }, () => 3) });
  await subscribe("/ordered", "ordered", { ordered: true });
  const { id: replayedWebhook } = await subscribe("/replayed", "replayed");

  const accepted = new Map<LoadType, number>();
  const pending = new Set<Promise<void>>();
  let lastNumber = 0;

  async function publishOne(type: LoadType): Promise<void> {
    lastNumber += 1;
    const number = lastNumber;
    await publishInsistently(tenant, { type: `${type}.event`, id: `crash-${number}`, data: { number } });
    accepted.set(type, (accepted.get(type) ?? 0) + 1);
  }

  function publishBeside(type: LoadType): void {
    const publishing = publishOne(type);
    pending.add(publishing);
    void publishing.then(() => pending.delete(publishing));
  }

  const stopping = new AbortController();
  /** The next ordered event waits until this one is accepted: only then one comes after the other. */
  async function publishOrdered(): Promise<void> {
    while (!stopping.signal.aborted) {
      await publishOne("ordered");
      await sleep(EVERY_MS);
    }
  }
  async function publishRest(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const type of AT_ONCE) publishBeside(type);
      await sleep(EVERY_MS);
    }
  }
  const publishing = [publishOrdered(), publishRest()];

  return {
    tenant,
    receiver,
    replayedWebhook,
    accepted,
    arrivals: (path) =>
      Map.groupBy(
        receiver.requests.filter((request) => request.path === path),
        (request) => request.header("webhook-id") ?? "",
      ),
    publish: async (type, count) => {
      await Promise.all(Array.from({ length: count }, () => publishOne(type)));
    },
    heal: () => {
      isDown = false;
    },
    stop: async () => {
      stopping.abort();
      await Promise.all(publishing);
      await Promise.all(pending);
    },
    [Symbol.asyncDispose]: async () => {
      stopping.abort();
      await receiver[Symbol.asyncDispose]();
    },
  };
}

export function numberOfEvent(request: RecordedRequest | undefined): number {
  const { data } = JSON.parse(request?.body.toString() ?? "") as { readonly data: { readonly number: number } };
  return data.number;
}
