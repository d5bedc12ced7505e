import type { ConfigValue, OrgId, WebhookConfig, WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { WebhookStates } from "./webhook-states.ts";

const ORG = "0198c1f0-0000-7000-8000-000000000001" as OrgId;
const WEBHOOK = "0198c1f0-0000-7000-8000-000000000002" as WebhookId;
const KEY = `webhook.${ORG}.${WEBHOOK}`;

function present(version: number, changes: Partial<WebhookConfig> = {}): ConfigValue {
  const entry: WebhookConfig = {
    kind: "webhook",
    id: WEBHOOK,
    orgId: ORG,
    url: "https://example.com/",
    patterns: ["*"],
    profile: "standard",
    timeoutMs: undefined,
    retryDelaysS: undefined,
    isActive: true,
    disabledByEngine: false,
    secrets: [],
    legacySignsWith: "old",
    hasSecret: true,
    filter: undefined,
    eventTypePrefix: "",
    sealedToken: undefined,
    sealedHeaders: undefined,
    rateLimit: undefined,
    ordered: false,
    ...changes,
  };
  return { kind: "present", version, entry };
}

describe("WebhookStates", () => {
  it("knows what releases depend on, and never goes back to an older version", () => {
    const states = new WebhookStates();
    expect(states.get(ORG, WEBHOOK)).toEqual({ kind: "unknown" });
    states.apply(KEY, present(2, { rateLimit: 5 }), 10);
    states.apply(KEY, present(1), 20);
    expect(states.get(ORG, WEBHOOK)).toMatchObject({ kind: "present", webhook: { rateLimit: 5, version: 2 } });
    states.apply(KEY, { kind: "deleted", version: 3 }, 30);
    expect(states.get(ORG, WEBHOOK)).toEqual({ kind: "deleted" });
  });

  it("remembers when it first saw a version: the same one again is no news", () => {
    const states = new WebhookStates();
    states.apply(KEY, present(2), 10);
    states.apply(KEY, present(2), 20);
    expect(states.seenAtMs(ORG, WEBHOOK)).toBe(10);
    states.apply(KEY, present(3), 30);
    expect(states.seenAtMs(ORG, WEBHOOK)).toBe(30);
  });

  it("counts for operational events only patterns that spell them out, of active webhooks", () => {
    const states = new WebhookStates();
    states.apply(KEY, present(1, { patterns: ["*", "*.webhook.disabled"] }), 0);
    expect(states.hasOperationalSubscribers).toBe(false);
    states.apply(KEY, present(2, { patterns: ["agent.*", "posthorn.webhook.*"] }), 0);
    expect(states.hasOperationalSubscribers).toBe(true);
    expect(states.isSubscribed(ORG, "posthorn.webhook.recovered")).toBe(true);
    expect(states.isSubscribed(ORG, "posthorn.delivery.exhausted")).toBe(false);
    expect(states.isSubscribed("0198c1f0-0000-7000-8000-000000000009" as OrgId, "posthorn.webhook.recovered")).toBe(
      false,
    );
    states.apply(KEY, present(3, { patterns: ["posthorn.*"], isActive: false }), 0);
    expect(states.hasOperationalSubscribers).toBe(false);
  });

  it("passes over other kinds, and forgets everything with the bucket", () => {
    const states = new WebhookStates();
    states.apply(`organisation.${ORG}.${ORG}`, present(1, { patterns: ["posthorn.*"] }), 0);
    expect(states.hasOperationalSubscribers).toBe(false);
    states.apply(KEY, present(1, { patterns: ["posthorn.*"] }), 0);
    states.clear();
    expect(states.get(ORG, WEBHOOK)).toEqual({ kind: "unknown" });
    expect(states.hasOperationalSubscribers).toBe(false);
  });
});
