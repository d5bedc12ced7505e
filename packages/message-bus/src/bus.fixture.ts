/** A bus of its own for a test file, with everything opened from it closed at the end. */

import { startTestNats, type TestNats } from "@posthorn/testkit";
import { BusConnection } from "./connection.ts";
import { Publisher } from "./publisher.ts";
import { ensureConfigBucket, ensureStreams, STREAM_BYTES_MAX_DEFAULT } from "./streams.ts";

export type TestBus = AsyncDisposable & {
  readonly nats: TestNats;
  readonly connection: BusConnection;
  readonly publisher: Publisher;
  readonly stack: AsyncDisposableStack;
};

export async function openTestBus(): Promise<TestBus> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startTestNats());
  const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
  await ensureStreams(connection, { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT });
  await ensureConfigBucket(connection, 1);
  const publisher = stack.use(new Publisher(connection));
  const owned = stack.move();
  return { nats, connection, publisher, stack: owned, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

export const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
export const bytes = (content: string) => Buffer.from(content);
