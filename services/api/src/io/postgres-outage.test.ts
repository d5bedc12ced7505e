import { describe, expect, it } from "vitest";
import { isPostgresOutage } from "./postgres-outage.ts";

const coded = (code: string) => Object.assign(new Error("x"), { code });

describe("an outage of Postgres", () => {
  it.each([
    [coded("ECONNREFUSED")],
    [Object.assign(new AggregateError([], "x"), { code: "ECONNREFUSED" })],
    [new Error("timeout exceeded when trying to connect")],
    [new Error("Connection terminated unexpectedly")],
    [new Error("Connection terminated due to connection timeout")],
    [new Error("Query read timeout")],
  ])("is %s", (error) => expect(isPostgresOutage(error)).toBe(true));

  it.each([
    [coded("ERR_ASSERTION")],
    [new Error("connection to the signer")],
    [new TypeError("x is undefined")],
    ["text"],
  ])("is not %s", (error) => expect(isPostgresOutage(error)).toBe(false));
});
