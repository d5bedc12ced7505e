import { describe, expect, it } from "vitest";
import { orgId, webhookId } from "./matcher.fixture.ts";
import { parseWebhookKey } from "./webhook-key.ts";

describe("parseWebhookKey", () => {
  it("reads the key of a webhook", () => {
    expect(parseWebhookKey(`webhook.${orgId(1)}.${webhookId(2)}`)).toEqual({
      orgId: orgId(1),
      webhookId: webhookId(2),
    });
  });

  it.each([`organisation.${orgId(1)}.${orgId(1)}`, `api-key.${orgId(1)}.x`, "sentinel", "webhook", "webhook.a.b"])(
    "passes over %s",
    (key) => {
      expect(parseWebhookKey(key)).toBeUndefined();
    },
  );
});
