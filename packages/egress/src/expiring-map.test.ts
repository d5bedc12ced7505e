import { expect, it } from "vitest";
import { ExpiringMap } from "./expiring-map.ts";

it("gives a value until it expires", () => {
  const map = new ExpiringMap<string>(10);
  map.set("a", "1", 100);
  expect(map.get("a", 99)).toBe("1");
  expect(map.get("a", 100)).toBeUndefined();
  expect(map.size).toBe(0);
});

it("makes room for a new value with the one that was set first", () => {
  const map = new ExpiringMap<string>(2);
  map.set("a", "1", 100);
  map.set("b", "2", 100);
  map.set("a", "3", 100);
  map.set("c", "4", 100);
  expect([map.get("a", 0), map.get("b", 0), map.get("c", 0)]).toEqual(["3", undefined, "4"]);
});
