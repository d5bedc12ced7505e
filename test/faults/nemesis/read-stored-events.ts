/** Reads which events INGEST still holds: of what it lost after it had acknowledged it nobody else knows anything. */

import { setTimeout as sleep } from "node:timers/promises";
import { decodeEventGroup } from "@posthorn/contracts";
import { BusConnection, SequentialReader, streamPosition } from "@posthorn/message-bus";

const WINDOW_MESSAGES = 2_000;
/** Without a message for this long what is missing will not come. */
const SILENCE_MS_MAX = 30_000;
const POLL_MS = 100;

/** Resolves to the ids of all of them. Rejects when the stream cannot be read to its end. */
export async function readStoredEvents(natsUrl: string): Promise<ReadonlySet<string>> {
  await using bus = await BusConnection.open({ servers: natsUrl, name: "faults" });
  const { lastSequence } = await streamPosition(bus, "INGEST");
  const stored = new Set<string>();
  let isAtEnd = lastSequence === 0;
  let heardAtMs = performance.now();
  using reader = new SequentialReader(bus, {
    stream: "INGEST",
    subject: "ingest.*",
    from: { kind: "sequence", sequence: 1 },
    windowMax: WINDOW_MESSAGES,
    onMessage: ({ data, sequence }, pending) => {
      heardAtMs = performance.now();
      const group = decodeEventGroup(data);
      if (group.kind !== "decoded") throw new Error(`what stands at ${sequence} of INGEST cannot be read`);
      for (const { id } of group.value) stored.add(id);
      isAtEnd ||= sequence >= lastSequence || pending === 0;
      reader.taken(1);
    },
    onTrouble: () => {},
  });
  while (!isAtEnd) {
    if (performance.now() - heardAtMs > SILENCE_MS_MAX) throw new Error("INGEST could not be read to its end");
    await sleep(POLL_MS);
  }
  return stored;
}
