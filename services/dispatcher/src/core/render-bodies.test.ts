import { type AcceptedEvent, type BodyOrder, type DeliveryId, PROFILE_NAMES, renderBody } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { BodyRenderer } from "./render-bodies.ts";

const event = (data = '{"a":1}') =>
  ({
    id: "e",
    orgId: "o",
    type: "agent.status",
    acceptedAtMs: 1_774_359_420_000,
    data: Buffer.from(data),
  }) as unknown as AcceptedEvent;
const order = (changes: Partial<BodyOrder> = {}): BodyOrder => ({
  profile: "standard",
  eventTypePrefix: "",
  messageId: "11111111-2222" as DeliveryId,
  ...changes,
});
const another = order({ messageId: "33333333-4444" as DeliveryId });

describe("rendering the bodies of an event's deliveries", () => {
  it("is done once for those that get the same bytes", () => {
    const renderer = new BodyRenderer();
    const its = event();
    const body = renderer.render(order(), its);
    expect(renderer.render(another, its)).toBe(body);
    expect(body).toEqual(renderBody(another, its));
  });

  it.each(PROFILE_NAMES)("gives each its own, whatever came before (%s)", (profile) => {
    const renderer = new BodyRenderer();
    const [first, second] = [event(), event('{"b":2}')];
    const orders = [
      order({ profile }),
      { ...another, profile },
      order({ profile, eventTypePrefix: "prefix-" }),
      order({ profile: profile === "myop" ? "znyx" : "myop" }),
    ];
    for (const its of [first, second, first]) {
      for (const one of orders) expect(renderer.render(one, its)).toEqual(renderBody(one, its));
    }
  });
});
