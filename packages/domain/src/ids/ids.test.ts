import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  deliveryIdOf,
  parseEventId,
  parseWebhookId,
  uuidv5,
  uuidv7,
  uuidv7TimeMs,
  workBundleIdOf,
  workIdOf,
} from "./ids.ts";

const DNS_NAMESPACE = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
const VERSION_7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe("parsers of ids", () => {
  it("give the lower case form of a UUID", () => {
    expect(parseEventId("6BA7B810-9DAD-11D1-80B4-00C04FD430C8")).toBe(DNS_NAMESPACE);
  });

  it.each([
    "",
    "org",
    "6ba7b8109dad11d180b400c04fd430c8",
    "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}",
    "6ba7b810-9dad-11d1-80b4-00c04fd430c8\n",
    "6ba7b810-9dad-11d1-80b4-00c04fd430cg",
  ])("refuse %j", (text) => {
    expect(parseWebhookId(text)).toBeUndefined();
  });
});

describe("uuidv5", () => {
  it("gives the example of RFC 9562, appendix A.4", () => {
    expect(uuidv5(DNS_NAMESPACE, "www.example.com")).toBe("2ed6657d-e927-568b-95e1-2665a8aea6a2");
  });

  it("gives what Python's uuid.uuid5 gives for a name outside ASCII", () => {
    expect(uuidv5(DNS_NAMESPACE, "bücher.example")).toBe("849d4d8f-6c8e-59fa-9721-89ccba396bf9");
  });
});

describe("deliveryIdOf", () => {
  it("stays the same for the same pair, in every version of the program", () => {
    const event = eventId("01890a5d-ac96-774b-bcce-b302099a8057");
    const webhook = webhookId("0190163d-8694-739b-aea5-966c26f8ad90");
    expect(deliveryIdOf(event, webhook)).toBe("1d400355-0ca2-5ef1-bfe8-29c006899080");
  });

  it("differs for another event and for another webhook", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.uuid(), fc.uuid(), (first, second, third) => {
        fc.pre(first !== second && second !== third && first !== third);
        const ids = new Set([
          deliveryIdOf(eventId(first), webhookId(second)),
          deliveryIdOf(eventId(first), webhookId(third)),
          deliveryIdOf(eventId(second), webhookId(first)),
        ]);
        expect(ids.size).toBe(3);
      }),
    );
  });
});

describe("uuidv7", () => {
  it("gives the example of RFC 9562, appendix A.6", () => {
    const random = Buffer.from("0cc318c4dc0c0c07398f", "hex");
    expect(uuidv7(0x017f22e279b0, random)).toBe("017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  });

  it("carries its time, the version and the variant whatever the randomness", () => {
    fc.assert(
      fc.property(timeMs(), randomness(), (nowMs, random) => {
        const id = uuidv7(nowMs, random);
        expect(id).toMatch(VERSION_7);
        expect(uuidv7TimeMs(id)).toBe(nowMs);
      }),
    );
  });

  it.each([0, 2 ** 32 - 1, 2 ** 32, 2 ** 33, 2 ** 48 - 1])("carries %i ms, at the edges of its halves", (nowMs) => {
    expect(uuidv7TimeMs(uuidv7(nowMs, new Uint8Array(10)))).toBe(nowMs);
  });

  it("sorts by time", () => {
    fc.assert(
      fc.property(timeMs(), timeMs(), randomness(), randomness(), (first, second, one, other) => {
        fc.pre(first !== second);
        expect(uuidv7(first, one) < uuidv7(second, other)).toBe(first < second);
      }),
    );
  });

  it("leaves the caller's randomness as it was", () => {
    const random = new Uint8Array(10).fill(0xff);
    uuidv7(0, random);
    expect(random).toEqual(new Uint8Array(10).fill(0xff));
  });
});

describe("workIdOf", () => {
  it("names the delivery, the attempt and the release", () => {
    const delivery = deliveryIdOf(eventId(DNS_NAMESPACE), webhookId(DNS_NAMESPACE));
    expect(workIdOf(delivery, 3, 2)).toBe(`${delivery}:3:2`);
  });
});

describe("workBundleIdOf", () => {
  it("is the only one's own, and that of several tells all of them apart", () => {
    expect(workBundleIdOf(["a:1:0"])).toBe("a:1:0");
    const ids = [
      ["a:1:0", "b:1:0"],
      ["b:1:0", "a:1:0"],
      ["a:1:0", "c:1:0"],
      ["a:1:0", "b:1:0", "c:1:0"],
    ];
    expect(new Set(ids.map(workBundleIdOf)).size).toBe(ids.length);
    expect(workBundleIdOf(["a:1:0", "b:1:0"])).toBe(workBundleIdOf(["a:1:0", "b:1:0"]));
  });
});

const timeMs = () => fc.integer({ min: 0, max: 2 ** 48 - 1 });
const randomness = () => fc.uint8Array({ minLength: 10, maxLength: 10 });

function eventId(text: string) {
  const id = parseEventId(text);
  if (id === undefined) throw new Error(`not a UUID: ${text}`);
  return id;
}

function webhookId(text: string) {
  const id = parseWebhookId(text);
  if (id === undefined) throw new Error(`not a UUID: ${text}`);
  return id;
}
