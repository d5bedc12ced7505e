import { expect, it } from "vitest";
import { type OrgId, parseOrgId } from "../ids/ids.ts";
import type { ConfigEntry, ConfigValue } from "./configuration.ts";
import { createNewestValues } from "./newest-values.ts";

const id = parseOrgId("6ba7b810-9dad-11d1-80b4-00c04fd430c8") as OrgId;
const entry = (strictEventTypes: boolean): ConfigEntry => ({ kind: "organisation", id, strictEventTypes });
const present = (version: number, strict: boolean): ConfigValue => ({
  kind: "present",
  version,
  entry: entry(strict),
});

function index() {
  const heard: string[] = [];
  const say = (what: string) => (one: ConfigEntry) =>
    void heard.push(`${what} ${one.kind === "organisation" && one.strictEventTypes ? "strict" : "lax"}`);
  return { heard, values: createNewestValues({ add: say("add"), remove: say("remove") }) };
}

it("replaces an entry by its newer version", () => {
  const { heard, values } = index();
  values.apply("a", present(1, false));
  values.apply("a", present(2, true));
  expect(heard).toEqual(["add lax", "remove lax", "add strict"]);
});

it("passes an older version over, whatever it says", () => {
  const { heard, values } = index();
  values.apply("a", present(2, true));
  values.apply("a", present(1, false));
  values.apply("a", { kind: "deleted", version: 1 });
  expect(heard).toEqual(["add strict"]);
});

it("takes a deletion before or after what it deletes", () => {
  const { heard, values } = index();
  values.apply("a", present(1, false));
  values.apply("a", { kind: "deleted", version: 2 });
  values.apply("b", { kind: "deleted", version: 2 });
  values.apply("b", present(1, true));
  expect(heard).toEqual(["add lax", "remove lax"]);
});

it("begins anew when it was cleared", () => {
  const { heard, values } = index();
  values.apply("a", present(5, true));
  values.clear();
  values.apply("a", present(1, false));
  expect(heard).toEqual(["add strict", "add lax"]);
});
