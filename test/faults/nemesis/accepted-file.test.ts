import { join } from "node:path";
import { createTestFolder } from "@posthorn/testkit";
import { expect, it } from "vitest";
import { type AcceptedEvent, AcceptedFile, readAcceptedFile } from "./accepted-file.ts";

const event = (number: number): AcceptedEvent => ({
  number,
  eventId: `event-${number}`,
  type: "load.event",
  webhookIds: ["a", "b"],
});

it("has an event in the file when the append returns, in the order of the appends", async () => {
  const path = join(await createTestFolder("accepted"), "accepted.jsonl");
  await using file = await AcceptedFile.open(path);
  await file.append(event(1));
  expect(await readAcceptedFile(path)).toEqual([event(1)]);
  await Promise.all([2, 3, 4].map((number) => file.append(event(number))));
  expect(await readAcceptedFile(path)).toEqual([1, 2, 3, 4].map(event));
});

it("refuses to go on with the record of another run", async () => {
  const path = join(await createTestFolder("accepted"), "accepted.jsonl");
  await using _first = await AcceptedFile.open(path);
  await expect(AcceptedFile.open(path)).rejects.toThrow(/EEXIST/);
});
