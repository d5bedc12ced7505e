/** One of everything that this build keeps in the bucket of the configuration. */

import {
  type ConfigEntry,
  parseApiKeyId,
  parseEventId,
  parseEventTypeId,
  parseOrgId,
  parseWebhookId,
} from "@posthorn/domain";

const SIGNS_UNTIL_MS = Date.parse("2026-03-25T13:37:00.123Z");
const orgId = made(parseOrgId("0195c8a0-0000-7000-8000-000000000001"));
const webhookId = made(parseWebhookId("0195c8a0-0000-7000-8000-000000000002"));

function made<Id>(id: Id | undefined): Id {
  if (id === undefined) throw new Error("not an id");
  return id;
}

const WEBHOOK: Extract<ConfigEntry, { kind: "webhook" }> = {
  kind: "webhook",
  id: webhookId,
  orgId,
  url: "https://receiver.example/hook?token=x",
  patterns: ["agent.*", "deployment.done"],
  profile: "standard",
  timeoutMs: 5_000,
  retryDelaysS: [5, 60],
  isActive: true,
  disabledByEngine: false,
  secrets: [
    { ciphertext: Buffer.from("new"), signsUntilMs: undefined },
    { ciphertext: Buffer.from("old"), signsUntilMs: SIGNS_UNTIL_MS },
  ],
  legacySignsWith: "new",
  hasSecret: true,
  filter: 'data.status == "down"',
  eventTypePrefix: "",
  sealedToken: undefined,
  sealedHeaders: Buffer.from("headers"),
  rateLimit: 50,
  ordered: true,
};

const CONFIG_ENTRIES: Readonly<{ [Kind in ConfigEntry["kind"]]: readonly Extract<ConfigEntry, { kind: Kind }>[] }> = {
  organisation: [{ kind: "organisation", id: orgId, strictEventTypes: true }],
  "api-key": [
    {
      kind: "api-key",
      id: made(parseApiKeyId("0195c8a0-0000-7000-8000-0000000000a1")),
      orgId,
      hash: "ab".repeat(32),
      scope: "runtime",
    },
  ],
  webhook: [
    WEBHOOK,
    {
      ...WEBHOOK,
      profile: "github-dispatch",
      timeoutMs: undefined,
      retryDelaysS: undefined,
      filter: undefined,
      eventTypePrefix: "posthorn-",
      sealedToken: Buffer.from("token"),
      rateLimit: undefined,
      ordered: false,
      isActive: false,
      disabledByEngine: true,
      hasSecret: false,
      legacySignsWith: "old",
      secrets: [],
    },
  ],
  "event-type": [
    {
      kind: "event-type",
      id: made(parseEventTypeId("0195c8a0-0000-7000-8000-0000000000b1")),
      orgId,
      name: "agent.run.done",
      schema: '{"type":"object"}',
    },
  ],
  "payload-deletion": [
    { kind: "payload-deletion", orgId, id: made(parseEventId("0195c8a0-0000-7000-8000-0000000000e0")) },
  ],
};

export const configKinds: readonly string[] = Object.keys(CONFIG_ENTRIES);
export const configEntries: readonly ConfigEntry[] = Object.values(CONFIG_ENTRIES).flat();
