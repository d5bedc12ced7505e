import { setTimeout as sleep } from "node:timers/promises";
import { WorkSource } from "@posthorn/message-bus";
import { type Receiver, startReceiver, waitUntil } from "@posthorn/testkit";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { DispatcherBench } from "./dispatcher.fixture.ts";
import { byTheLog, type IsSettled } from "./settled.fixture.ts";

const alwaysOpen: IsSettled = () => false;

let bench: DispatcherBench;
let signer: AsyncDisposable & { readonly target: string };
let receiver: Receiver;
/** Ends with each test, dispatchers first. */
let stack: AsyncDisposableStack;

beforeAll(async () => {
  bench = await DispatcherBench.start();
  signer = await bench.startSigner();
});
afterAll(async () => {
  await signer[Symbol.asyncDispose]();
  await bench[Symbol.asyncDispose]();
});
beforeEach(async () => {
  stack = new AsyncDisposableStack();
  receiver = stack.use(await startReceiver());
  await bench.writeWebhook(signer.target, { url: receiver.url });
});
afterEach(() => stack.disposeAsync());

const projection = async (isSettled: IsSettled, port?: number) => {
  const { target } = stack.use(await bench.startProjection(isSettled, port));
  return target;
};
const dispatcher = async (projector: string) =>
  stack.use(await bench.startDispatcher({ signer: signer.target, projector }));

/** The item is sent and logged; then it stands in the stream again, as after a forgotten acknowledgement. */
async function sendOnceAndQueueAgain(projector: string) {
  const item = bench.newItem();
  await bench.enqueue(item);
  {
    await using _first = await bench.startDispatcher({ signer: signer.target, projector });
    await bench.logged(item.deliveryId);
    await bench.worked();
  }
  await bench.enqueue(item);
  return item;
}

describe("the fence", () => {
  it("keeps back what has an outcome", async () => {
    const projector = await projection(byTheLog);
    await sendOnceAndQueueAgain(projector);
    await dispatcher(projector);
    await bench.worked();
    expect(receiver.requests).toHaveLength(1);
  });

  it("is what does: without it the request is made again", async () => {
    const projector = await projection(alwaysOpen);
    const item = await sendOnceAndQueueAgain(projector);
    await dispatcher(projector);
    await bench.worked();
    expect(receiver.requests).toHaveLength(2);
    expect(await bench.logged(item.deliveryId, 2)).toHaveLength(2);
  });

  it("keeps back what the scheduler or the matcher had to mark", async () => {
    const projector = await projection(byTheLog);
    await dispatcher(projector);
    const item = bench.newItem();
    await bench.enqueue(item);
    await bench.logged(item.deliveryId);
    await bench.enqueue({ ...item, possibleRepeat: true }, "RETRY");
    await bench.worked("RETRY");
    expect(receiver.requests).toHaveLength(1);
  });

  it("lets through what has no outcome, and marks it when somebody may have died over it", async () => {
    const projector = await projection(byTheLog);
    const [handedOut, queued] = [bench.newItem(), bench.newItem()];
    await bench.enqueue(handedOut);
    await handOutToSomebodyWhoDies();
    growOld();
    await bench.enqueue(queued);
    await dispatcher(projector);
    expect(await bench.logged(handedOut.deliveryId)).toMatchObject([{ attempt: { possibleRepeat: true } }]);
    expect(await bench.logged(queued.deliveryId)).toMatchObject([{ attempt: { possibleRepeat: false } }]);
    expect(receiver.requests).toHaveLength(2);
  });

  it("asks again while the projector is still starting", async () => {
    const passing = await bench.startProjection(byTheLog);
    await sendOnceAndQueueAgain(passing.target);
    await passing[Symbol.asyncDispose]();
    await dispatcher(passing.target);
    await sleep(500);
    await projection(byTheLog, Number(passing.target.split(":")[1]));
    await bench.worked();
    expect(receiver.requests).toHaveLength(1);
  });

  it("sends after a bounded wait when nobody answers, and says that it may be a repeat", async () => {
    const item = bench.newItem();
    await bench.enqueue(item);
    const startedMs = performance.now();
    await dispatcher("127.0.0.1:1");
    await receiver.waitFor(1, 10_000);
    expect(performance.now() - startedMs).toBeGreaterThan(4_500);
    expect(await bench.logged(item.deliveryId)).toMatchObject([{ attempt: { possibleRepeat: true } }]);
  });
});

/** What was handed out before a lease can have run out is taken for handed back. Ends with the test. */
function growOld(): void {
  const now = Date.now;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now() + 60_000);
  stack.defer(() => clock.mockRestore());
}

/** Takes what is there and never answers; returns when the lease has run out. */
async function handOutToSomebodyWhoDies(): Promise<void> {
  const leaseMs = 300;
  const options = { stream: "DELIVER", worker: "dispatcher", prefetchMax: 1, leaseMs, onTrouble: () => {} } as const;
  {
    using source = await WorkSource.open(bench.connection, options);
    await waitUntil(() => source.take(1).length > 0);
  }
  await sleep(2 * leaseMs);
}
