import type { ConfigValue, EventId, OrgId, WebhookConfig, WebhookId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import { WebhookDirectory } from "./webhook-directory.ts";

const ORG = "o" as OrgId;
const WEBHOOK = "w" as WebhookId;
const EVENT = "e" as EventId;
const KEY = `webhook.${ORG}.${WEBHOOK}`;
const DELETION = `payload-deletion.${ORG}.${EVENT}`;

const present = (version: number): ConfigValue => ({
  kind: "present",
  version,
  entry: { kind: "webhook", id: WEBHOOK, orgId: ORG } as WebhookConfig,
});
const deletion: ConfigValue = {
  kind: "present",
  version: 1,
  entry: { kind: "payload-deletion", orgId: ORG, id: EVENT },
};

describe("a webhook", () => {
  it("is known by its newest version", () => {
    const directory = new WebhookDirectory();
    expect(directory.get(ORG, WEBHOOK)).toEqual({ kind: "absent" });
    directory.apply(KEY, present(2));
    directory.apply(KEY, present(1));
    expect(directory.get(ORG, WEBHOOK)).toMatchObject({ kind: "present", version: 2, isDisabledHere: false });
    directory.apply(KEY, { kind: "deleted", version: 3 });
    expect(directory.get(ORG, WEBHOOK)).toEqual({ kind: "deleted" });
  });

  it("found gone is disabled in the version that was judged, once, and active again in the next", () => {
    const directory = new WebhookDirectory();
    directory.apply(KEY, present(2));
    expect(directory.disable(WEBHOOK, 2)).toBe(true);
    expect(directory.disable(WEBHOOK, 2)).toBe(false);
    expect(directory.get(ORG, WEBHOOK)).toMatchObject({ isDisabledHere: true });
    directory.clear();
    directory.apply(KEY, present(2));
    expect(directory.get(ORG, WEBHOOK)).toMatchObject({ isDisabledHere: true });
    directory.apply(KEY, present(3));
    expect(directory.get(ORG, WEBHOOK)).toMatchObject({ isDisabledHere: false });
    expect(directory.disable(WEBHOOK, 3)).toBe(true);
  });
});

describe("a deleted payload", () => {
  it("is known until its deletion is itself removed, or the copy begins anew", () => {
    const directory = new WebhookDirectory();
    expect(directory.isPayloadDeleted(ORG, EVENT)).toBe(false);
    directory.apply(DELETION, deletion);
    directory.apply(DELETION, deletion);
    expect(directory.isPayloadDeleted(ORG, EVENT)).toBe(true);
    expect(directory.isPayloadDeleted(ORG, "other" as EventId)).toBe(false);
    expect(directory.isPayloadDeleted("other" as OrgId, EVENT)).toBe(false);
    directory.apply(DELETION, { kind: "deleted", version: 2 });
    expect(directory.isPayloadDeleted(ORG, EVENT)).toBe(false);
    directory.apply(DELETION, deletion);
    directory.clear();
    expect(directory.isPayloadDeleted(ORG, EVENT)).toBe(false);
  });
});
