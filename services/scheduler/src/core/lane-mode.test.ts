import { limits } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { expiredBeforeMs, type KnownWebhook, laneModeOf, parkingOf, type WebhookFacts } from "./lane-mode.ts";

const closed = { kind: "closed", generation: 1 } as const;
const open = { kind: "open", generation: 2 } as const;

const present = (changes: Partial<WebhookFacts> = {}): KnownWebhook => ({
  kind: "present",
  webhook: { isActive: true, disabledByEngine: false, rateLimit: undefined, ordered: false, version: 1, ...changes },
});
const paused = present({ isActive: false });
const disabled = present({ isActive: false, disabledByEngine: true });
const limited = present({ rateLimit: 50 });
const ordered = present({ ordered: true });
const both = present({ ordered: true, rateLimit: 50 });

describe("laneModeOf", () => {
  it.each([
    ["an active webhook is drained", present(), closed, { kind: "drain" }],
    ["an open circuit is probed", present(), open, { kind: "probe" }],
    ["a paused webhook waits", paused, closed, { kind: "hold" }],
    ["a paused webhook is not probed", paused, open, { kind: "hold" }],
    ["a deleted webhook's deliveries end", { kind: "deleted" }, open, { kind: "flush" }],
    ["a disabled webhook's deliveries end", disabled, open, { kind: "flush" }],
    ["a rate limit takes slots", limited, closed, { kind: "slots", ratePerS: 50 }],
    ["a rate limit does not hinder a probe", limited, open, { kind: "probe" }],
    ["order takes runs", ordered, closed, { kind: "run", ratePerS: undefined, isProbe: false }],
    ["order holds for probes too", ordered, open, { kind: "run", ratePerS: undefined, isProbe: true }],
    ["order and a rate limit go together", both, closed, { kind: "run", ratePerS: 50, isProbe: false }],
    ["a webhook that nobody knows is the dispatchers' to judge", { kind: "unknown" }, closed, { kind: "drain" }],
  ] as const)("%s", (_title, known, circuit, mode) => {
    expect(laneModeOf(known, circuit)).toEqual(mode);
  });
});

describe("parkingOf", () => {
  it.each([
    ["leaves the retries of most webhooks to their time", present(), closed, undefined],
    ["leaves those of a paused webhook to the dispatchers, who park them", paused, closed, undefined],
    ["leaves those of a deleted webhook to the dispatchers, who cancel them", { kind: "deleted" }, open, undefined],
    ["parks for an open circuit", present(), open, "circuit_open"],
    ["parks for a rate limit", limited, closed, "rate_limited"],
    ["parks for order, also while the circuit is open", ordered, open, "ordered"],
  ] as const)("%s", (_title, known, circuit, reason) => {
    expect(parkingOf(known, circuit)).toBe(reason);
  });
});

it("takes for expired only what every dispatcher's clock takes for expired", () => {
  const nowMs = 2 * limits.DELIVERY_HORIZON_MS;
  expect(expiredBeforeMs(nowMs)).toBe(limits.DELIVERY_HORIZON_MS - 60_000);
});
