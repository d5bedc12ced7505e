import { randomFillSync } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatTraceparent, parseTraceparent, traceparentSource } from "./traceparent.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";

const hex = (digits: number) =>
  fc
    .array(fc.constantFrom(..."0123456789abcdef"), { minLength: digits, maxLength: digits })
    .map((all) => all.join(""))
    .filter((id) => !/^0*$/.test(id));
const contexts = fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() });

describe("parseTraceparent", () => {
  it("reads what formatTraceparent writes", () => {
    fc.assert(
      fc.property(contexts, (context) => {
        expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
      }),
    );
  });

  it("writes what it read, for version 00 and the flags it knows", () => {
    const traceparent = `00-${TRACE_ID}-${SPAN_ID}-01`;
    const context = parseTraceparent(traceparent);
    expect(context).toEqual({ traceId: TRACE_ID, spanId: SPAN_ID, sampled: true });
    expect(context && formatTraceparent(context)).toBe(traceparent);
  });

  it("ignores flags it does not know", () => {
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-fe`)?.sampled).toBe(false);
    expect(parseTraceparent(`00-${TRACE_ID}-${SPAN_ID}-03`)?.sampled).toBe(true);
  });

  it("reads a later version by its first four fields", () => {
    const context = { traceId: TRACE_ID, spanId: SPAN_ID, sampled: true };
    expect(parseTraceparent(`cc-${TRACE_ID}-${SPAN_ID}-01-what-comes-later`)).toEqual(context);
    expect(parseTraceparent(`cc-${TRACE_ID}-${SPAN_ID}-01`)).toEqual(context);
  });

  it.each([
    ["nothing", undefined],
    ["an empty text", ""],
    ["version ff", `ff-${TRACE_ID}-${SPAN_ID}-01`],
    ["a zero trace id", `00-${"0".repeat(32)}-${SPAN_ID}-01`],
    ["a zero span id", `00-${TRACE_ID}-${"0".repeat(16)}-01`],
    ["capitals", `00-${TRACE_ID.toUpperCase()}-${SPAN_ID}-01`],
    ["a short trace id", `00-${TRACE_ID.slice(1)}-${SPAN_ID}-01`],
    ["a long span id", `00-${TRACE_ID}-${SPAN_ID}0-01`],
    ["no flags", `00-${TRACE_ID}-${SPAN_ID}`],
    ["more after the flags of version 00", `00-${TRACE_ID}-${SPAN_ID}-01-more`],
    ["a later version without the separator", `cc-${TRACE_ID}-${SPAN_ID}-01.more`],
    ["blanks around", ` 00-${TRACE_ID}-${SPAN_ID}-01 `],
    ["a second line", `00-${TRACE_ID}-${SPAN_ID}-01\n`],
  ])("refuses %s", (_what, traceparent) => {
    expect(parseTraceparent(traceparent)).toBeUndefined();
  });

  it("gives valid parts or nothing, whatever it reads", () => {
    const fields = fc.tuple(
      fc.constantFrom("00", "01", "ff", "0"),
      hex(32),
      hex(16),
      fc.constantFrom("00", "01", "zz"),
    );
    const texts = fc.oneof(
      fc.string(),
      fields.map((parts) => parts.join("-")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const context = parseTraceparent(text);
        if (context !== undefined) expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
      }),
    );
  });
});

describe("traceparentSource", () => {
  it("makes valid ones that differ, across many fills of its pool, and asks for no sampling", () => {
    const next = traceparentSource(randomFillSync);
    const made = Array.from({ length: 2_000 }, next);
    expect(new Set(made).size).toBe(made.length);
    expect(made.every((traceparent) => parseTraceparent(traceparent)?.sampled === false)).toBe(true);
  });

  it("never makes an id of zeros, even from a source of zeros", () => {
    const next = traceparentSource((bytes) => bytes.fill(0));
    expect(parseTraceparent(next())).toBeDefined();
  });
});
