import { describe, expect, it } from "vitest";
import { type Place, Places } from "./places.ts";

const ORIGIN = "https://a.example";

/** Takes places until there is none at once. */
function takeAll(places: Places, origin: string, owner: string): Place[] {
  const taken: Place[] = [];
  for (let place = places.tryReserve(origin, owner); place; place = places.tryReserve(origin, owner)) taken.push(place);
  return taken;
}

/** The owners in the order in which they get the only place there is. */
async function served(places: Places, requests: readonly { origin: string; owner: string }[]): Promise<string[]> {
  const [first] = requests;
  const held = places.tryReserve(first?.origin ?? "", "another");
  const order: string[] = [];
  const all = requests.map(async ({ origin, owner }) => {
    using _place = await places.reserve(origin, owner, undefined);
    order.push(owner);
  });
  held?.[Symbol.dispose]();
  await Promise.all(all);
  return order;
}

describe("the places of an origin", () => {
  it("are so many, and one that is given back serves the next", async () => {
    const places = new Places({ connectionsPerOriginMax: 1, connectionsMax: 10 });
    const first = places.tryReserve(ORIGIN, "w1");
    expect(places.tryReserve(ORIGIN, "w1")).toBeUndefined();
    const second = places.reserve(ORIGIN, "w1", undefined);
    expect(places.waiting).toBe(1);
    first?.[Symbol.dispose]();
    expect(await second).toBeDefined();
    expect(places.waiting).toBe(0);
    expect(places.tryReserve(ORIGIN, "w2")).toBeUndefined();
  });

  it("go to one owner only as far as as many are left free", () => {
    const places = new Places({ connectionsPerOriginMax: 256, connectionsMax: 2_048 });
    const shares = ["w1", "w2", "w3", "w4", "w5", "w6"].map((owner) => takeAll(places, ORIGIN, owner).length);
    expect(shares).toEqual([129, 64, 32, 16, 8, 4]);
    expect(places.tryReserve(ORIGIN, "a newcomer")).toBeDefined();
  });

  it("go in turn to the owners that wait for them", async () => {
    const places = new Places({ connectionsPerOriginMax: 1, connectionsMax: 10 });
    const requests = ["w1", "w1", "w1", "w2", "w3"].map((owner) => ({ origin: ORIGIN, owner }));
    expect(await served(places, requests)).toEqual(["w1", "w2", "w3", "w1", "w1"]);
  });

  it("wait for an owner that has its share until it gives one back, while others are served", async () => {
    const places = new Places({ connectionsPerOriginMax: 4, connectionsMax: 10 });
    const mine = takeAll(places, ORIGIN, "w1");
    expect(mine).toHaveLength(3);
    const more = places.reserve(ORIGIN, "w1", undefined);
    const other = places.tryReserve(ORIGIN, "w2");
    expect(other).toBeDefined();
    other?.[Symbol.dispose]();
    expect(places.waiting).toBe(1);
    mine[0]?.[Symbol.dispose]();
    expect(await more).toBeDefined();
  });
});

describe("all places together", () => {
  it("are so many, and the origins that wait take turns", async () => {
    const places = new Places({ connectionsPerOriginMax: 10, connectionsMax: 1 });
    const requests = ["a", "a", "a", "b", "c"].map((name) => ({ origin: `http://${name}.example`, owner: name }));
    expect(await served(places, requests)).toEqual(["a", "b", "c", "a", "a"]);
  });
});

describe("one who waits for a place", () => {
  it("may give up, before or while waiting, and leaves nothing behind", async () => {
    const places = new Places({ connectionsPerOriginMax: 1, connectionsMax: 10 });
    const held = places.tryReserve(ORIGIN, "w1");
    const controller = new AbortController();
    const waiting = places.reserve(ORIGIN, "w1", controller.signal);
    controller.abort();
    expect(await waiting).toBeUndefined();
    expect(await places.reserve("http://free.example", "w1", controller.signal)).toBeUndefined();
    expect(places.waiting).toBe(0);
    held?.[Symbol.dispose]();
    expect(places.tryReserve(ORIGIN, "w1")).toBeDefined();
  });

  it("gets none once all of it was disposed", async () => {
    const places = new Places({ connectionsPerOriginMax: 1, connectionsMax: 10 });
    const held = places.tryReserve(ORIGIN, "w1");
    const waiting = places.reserve(ORIGIN, "w1", undefined);
    places[Symbol.dispose]();
    expect(await waiting).toBeUndefined();
    held?.[Symbol.dispose]();
    expect(places.tryReserve(ORIGIN, "w1")).toBeUndefined();
    expect(await places.reserve(ORIGIN, "w1", undefined)).toBeUndefined();
    expect(places.waiting).toBe(0);
  });
});

describe("a place", () => {
  it("is given back once, however often it is disposed of", () => {
    const places = new Places({ connectionsPerOriginMax: 2, connectionsMax: 10 });
    const [first] = takeAll(places, ORIGIN, "w1");
    first?.[Symbol.dispose]();
    first?.[Symbol.dispose]();
    expect(takeAll(places, ORIGIN, "w1")).toHaveLength(1);
  });

  it("in use is given back by its request alone", () => {
    const places = new Places({ connectionsPerOriginMax: 1, connectionsMax: 10 });
    const place = places.tryReserve(ORIGIN, "w1");
    place?.occupy(ORIGIN);
    place?.[Symbol.dispose]();
    expect(places.tryReserve(ORIGIN, "w1")).toBeUndefined();
    place?.leave();
    expect(places.tryReserve(ORIGIN, "w1")).toBeDefined();
  });

  it("is good for one request to its own origin", () => {
    const places = new Places({ connectionsPerOriginMax: 2, connectionsMax: 10 });
    const place = places.tryReserve(ORIGIN, "w1");
    expect(() => place?.occupy("https://b.example")).toThrow("a place at https://a.example was used for https://b");
    place?.occupy(ORIGIN);
    expect(() => place?.occupy(ORIGIN)).toThrow("a place is good for one request");
  });
});
