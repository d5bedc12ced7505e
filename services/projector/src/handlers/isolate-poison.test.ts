import { DatabaseError } from "pg";
import { expect, test } from "vitest";
import { isolatePoison } from "./isolate-poison.ts";

const sound = (name: string) => ({ name, content: { kind: "decoded", value: [] } }) as const;
const POISON = sound("poison");

function databaseError(code: string): DatabaseError {
  return Object.assign(new DatabaseError("refused", 0, "error"), { code });
}

/** Projects everything but the poison, which fails; remembers what went through and how. */
function projection(failure: Error) {
  const projected: string[] = [];
  return {
    projected,
    project: async (messages: readonly (typeof POISON)[]) => {
      if (messages.some((message) => message.name === POISON.name && message.content.kind === "decoded")) throw failure;
      projected.push(...messages.map((message) => `${message.name} ${message.content.kind}`));
      return true;
    },
  };
}

test.each([
  ["a value that a column cannot hold", new RangeError("too large")],
  ["a data exception", databaseError("22008")],
  ["a missing value", databaseError("23502")],
])("the one message that causes %s is set aside, in its place among the others", async (_, failure) => {
  const { projected, project } = projection(failure);
  expect(await isolatePoison([sound("first"), POISON, sound("last")], project)).toBe(true);
  expect(projected).toEqual(["first decoded", "poison undecodable", "last decoded"]);
});

test.each([
  ["an outage", new Error("connection terminated")],
  ["a deadlock", databaseError("40P01")],
  ["a partition that is being attached", databaseError("23514")],
])("no message is set aside for %s, which passes", async (_, failure) => {
  const { projected, project } = projection(failure);
  await expect(isolatePoison([sound("first"), POISON], project)).rejects.toBe(failure);
  expect(projected).toEqual([]);
});

test("nothing more is projected once somebody else has taken over", async () => {
  const projected: string[] = [];
  const project = async (messages: readonly { readonly name: string }[]) => {
    if (messages.length > 1) throw new RangeError("too large");
    projected.push(...messages.map((message) => message.name));
    return false;
  };
  expect(await isolatePoison([sound("first"), sound("second")], project)).toBe(false);
  expect(projected).toEqual(["first"]);
});
