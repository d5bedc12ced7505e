import { parseOrgId, parseWebhookId, UNKNOWN_HEALTH } from "@posthorn/domain";
import { expect, it } from "vitest";
import type { Webhook } from "../core/present-webhook.ts";
import { DEFAULT_SETTINGS } from "../core/webhook-settings.ts";
import { parsed } from "../history.fixture.ts";
import { explainType } from "./explain.ts";

const ORG = parsed(parseOrgId("01890a5d-ac96-774b-bcce-b302099a8057"));
const WEBHOOKS = 20;
const EXPENSIVE: Webhook = {
  ...DEFAULT_SETTINGS,
  id: parsed(parseWebhookId("0190163d-8694-739b-aea5-966c26f8ad90")),
  orgId: ORG,
  url: "https://example.com/hook",
  patterns: ["*"],
  filter: "data.all(x, data.all(y, x == y))",
  eventTypePrefix: "",
  hasToken: false,
  headerNames: [],
  signing: "hmac",
  publicKey: undefined,
  disabledReason: undefined,
  hasSecret: true,
  externalId: undefined,
  health: UNKNOWN_HEALTH,
  createdAtMs: 0,
  updatedAtMs: 0,
};

it("lets other requests come in between the filters of a page, however many and expensive they are", async () => {
  const list = async () => ({ rows: Array(WEBHOOKS).fill(EXPENSIVE), nextCursor: undefined });
  const nobody = async () => undefined;
  const explain = explainType({
    webhooks: { list },
    events: { get: nobody, newestOf: nobody },
    readPayload: async () => ({ kind: "unavailable" }),
  });
  let turns = 0;
  const counter = setInterval(() => {
    turns += 1;
  }, 0);
  try {
    const answer = await explain({
      id: "1",
      caller: { kind: "root" },
      parameters: { org: ORG },
      query: { limit: WEBHOOKS, cursor: undefined },
      body: { type: "agent.status", data: Array(1_000).fill(1) },
    });
    const costly = { reason: "filter_error", detail: "the filter costs too much on this event" };
    expect(answer).toMatchObject({ kind: "done", body: { items: Array(WEBHOOKS).fill(costly), next_cursor: null } });
    expect(turns).toBeGreaterThanOrEqual(WEBHOOKS / 2);
  } finally {
    clearInterval(counter);
  }
});
