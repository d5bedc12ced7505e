import { describe, expect, it } from "vitest";
import { Batcher, type BatcherOptions } from "./batcher.ts";

type Bounds = Partial<
  Pick<BatcherOptions<number, number>, "itemsMax" | "bytesMax" | "inFlightMax" | "intervalMsAfter">
>;

function collect(options: Bounds = {}) {
  const batches: { items: readonly number[]; finish: () => void; fail: () => void }[] = [];
  const batcher = new Batcher<number, number>({
    itemsMax: options.itemsMax ?? 100,
    bytesMax: options.bytesMax ?? Number.POSITIVE_INFINITY,
    sizeOf: (item) => item,
    intervalMsAfter: options.intervalMsAfter ?? (() => 0),
    inFlightMax: options.inFlightMax ?? 1,
    send: (items) =>
      new Promise((resolve, reject) => {
        batches.push({
          items,
          finish: () => resolve(items.map((item) => item * 10)),
          fail: () => reject(new Error("no")),
        });
      }),
  });
  return { batches, batcher };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe("Batcher", () => {
  it("sends what came in one moment together, and answers each item", async () => {
    const { batches, batcher } = collect();
    const answers = Promise.all([batcher.add(1), batcher.add(2), batcher.add(3)]);
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1, 2, 3]]);
    batches[0]?.finish();
    expect(await answers).toEqual([10, 20, 30]);
  });

  it("lets the next batch grow while one is under way", async () => {
    const { batches, batcher } = collect();
    void batcher.add(1);
    await turn();
    const later = Promise.all([batcher.add(2), batcher.add(3)]);
    await turn();
    expect(batches).toHaveLength(1);
    batches[0]?.finish();
    await turn();
    await turn();
    expect(batches[1]?.items).toEqual([2, 3]);
    batches[1]?.finish();
    await later;
  });

  it("cuts by count and by bytes, and sends an oversized item alone", async () => {
    const { batches, batcher } = collect({ itemsMax: 2, bytesMax: 10, inFlightMax: 10 });
    for (const item of [1, 2, 3, 9, 50, 1]) void batcher.add(item);
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1, 2], [3], [9], [50], [1]]);
  });

  it("rejects every item of a failed batch and goes on with the next", async () => {
    const { batches, batcher } = collect();
    const failing = Promise.allSettled([batcher.add(1), batcher.add(2)]);
    await turn();
    const next = batcher.add(3);
    batches[0]?.fail();
    expect((await failing).map((result) => result.status)).toEqual(["rejected", "rejected"]);
    await turn();
    await turn();
    batches[1]?.finish();
    expect(await next).toBe(30);
  });

  it("keeps the interval that follows from the last batch's size, but for what is urgent", async () => {
    const sizes: number[] = [];
    const intervalMsAfter = (items: number) => {
      sizes.push(items);
      return 60_000;
    };
    const { batches, batcher } = collect({ inFlightMax: 10, intervalMsAfter });
    void batcher.add(1);
    void batcher.add(2);
    await turn();
    void batcher.add(3);
    void batcher.add(4);
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([[1, 2]]);
    void batcher.add(5, true);
    await turn();
    expect(batches.map((batch) => batch.items)).toEqual([
      [1, 2],
      [3, 4, 5],
    ]);
    expect(sizes).toEqual([0, 2]);
  });
});
