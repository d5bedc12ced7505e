import { encodedEventBytes } from "@posthorn/contracts";
import { limits, parseEventId, parseOrgId, parseWebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { maxPayloadProblem, messageBytesMax } from "./message-size.ts";

const ID = "0199aaaa-0000-7000-8000-000000000001";

describe("maxPayloadProblem", () => {
  it("accepts the server's default and refuses a server that cannot hold the largest event", () => {
    expect(maxPayloadProblem(1_048_576)).toBeUndefined();
    expect(maxPayloadProblem(350_890)).toBe(
      "the NATS server's max_payload is 350890 bytes; the largest event needs at least 350891",
    );
    expect(maxPayloadProblem(65_536)).toContain("max_payload is 65536 bytes");
  });

  it("knows how large an event can get", () => {
    const [id, orgId, forWebhook] = [parseEventId(ID), parseOrgId(ID), parseWebhookId(ID)];
    if (id === undefined || orgId === undefined) throw new Error("not an id");
    const largest = {
      id,
      orgId,
      type: "t".repeat(limits.EVENT_TYPE_LENGTH_MAX),
      timestamp: "t".repeat(limits.TIMESTAMP_LENGTH_MAX),
      acceptedAtMs: Number.MAX_SAFE_INTEGER,
      data: Buffer.alloc(limits.EVENT_DATA_BYTES_MAX),
      traceparent: "t".repeat(55),
      callerId: "i".repeat(limits.CALLER_ID_LENGTH_MAX),
      forWebhook,
      hops: 999_999,
    };
    const smallestPayload = 350_891;
    expect(maxPayloadProblem(smallestPayload)).toBeUndefined();
    expect(encodedEventBytes(largest)).toBeLessThanOrEqual(messageBytesMax(smallestPayload));
  });
});
