import { describe, expect, it } from "vitest";
import { EventSchemas } from "./event-schemas.ts";

describe("the schemas of event types", () => {
  it("tell what in the data does not fit", () => {
    const schemas = new EventSchemas(() => {});
    const schema = '{"required":["a"]}';
    expect(schemas.problemsOf(schema, Buffer.from('{"a":1}'))).toEqual([]);
    expect(schemas.problemsOf(schema, Buffer.from('x{"b":1}x').subarray(1, 8))).toEqual([
      { path: "/a", message: "is required" },
    ]);
  });

  it("demand nothing when they cannot be used, and say so once", () => {
    const told: string[] = [];
    const schemas = new EventSchemas((reason) => told.push(reason));
    expect(schemas.problemsOf('{"type":"strange"}', Buffer.from("1"))).toEqual([]);
    expect(schemas.problemsOf('{"type":"strange"}', Buffer.from("1"))).toEqual([]);
    expect(told).toEqual(["/type must be equal to one of the allowed values."]);
  });

  it("go on when there are more of them than are remembered", () => {
    const schemas = new EventSchemas(() => {});
    for (let number = 0; number < 600; number += 1) {
      expect(schemas.problemsOf(`{"const":${number}}`, Buffer.from("-1"))).toHaveLength(1);
    }
    expect(schemas.problemsOf('{"const":0}', Buffer.from("0"))).toEqual([]);
  });
});
