import { limits } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { parseWireBatch, parseWireEvent, type WireEvent } from "./parse-wire-event.ts";

describe("parseWireEvent", () => {
  it("keeps the bytes of data, white space around them included", () => {
    const data = Buffer.from(' {"b" : 1.50, "a": 123456789012345678901234567890}\n');
    expect(parseWireEvent(wire({ data }))).toEqual({
      kind: "sound",
      value: { type: "a.b", data, callerId: undefined, timestamp: undefined },
    });
  });

  it("takes the empty text for absence", () => {
    const event = parseWireEvent(wire({ id: "x", timestamp: "" }));
    expect(event).toMatchObject({ value: { callerId: "x", timestamp: undefined } });
  });

  it.each([
    ["invalid_event", { type: "a b" }],
    ["invalid_event", { id: "a b" }],
    ["invalid_event", { timestamp: "yesterday" }],
    ["invalid_event", { data: Buffer.alloc(0) }],
    ["event_too_large", { data: Buffer.alloc(limits.EVENT_DATA_BYTES_MAX + 1, "1") }],
    ["malformed_json", { data: Buffer.from("{") }],
    ["malformed_json", { data: Buffer.from("\ufeff1") }],
    ["invalid_utf8", { data: Buffer.from([0x22, 0xff, 0x22]) }],
  ])("refuses as %s: %o", (code, changes) => {
    expect(parseWireEvent(wire(changes))).toMatchObject({ kind: "refused", refusal: { code } });
  });

  it("refuses a request without an event", () => {
    expect(parseWireEvent(undefined)).toMatchObject({ kind: "refused", refusal: { code: "invalid_event" } });
  });
});

describe("parseWireBatch", () => {
  it("gives each event its own verdict", () => {
    const batch = parseWireBatch([wire({}), wire({ type: "" })]);
    expect(batch).toMatchObject({ value: [{ kind: "sound" }, { refusal: { code: "invalid_event" } }] });
  });

  it.each([
    ["invalid_batch", 0, 1],
    ["invalid_batch", limits.BATCH_EVENTS_MAX + 1, 1],
    ["batch_too_large", 17, limits.EVENT_DATA_BYTES_MAX],
  ])("refuses as %s: %i events of %i bytes", (code, count, bytes) => {
    const event = wire({ data: Buffer.alloc(bytes, "1") });
    expect(parseWireBatch(Array(count).fill(event))).toMatchObject({ kind: "refused", refusal: { code } });
  });
});

function wire(changes: Partial<WireEvent>): WireEvent {
  return { type: "a.b", data: Buffer.from("1"), id: "", timestamp: "", ...changes };
}
