/** Explanations over REST: who would get an event today, and who not and why. */

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { storeEvent } from "./history.fixture.ts";
import { explainEventRoute, explainTypeRoute } from "./schemas/explain.ts";
import { createWebhookRoute, deleteWebhookRoute, updateWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
});

beforeEach(async () => {
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (more: Readonly<Record<string, string>> = {}) => ({ org: tenant.org, ...more });

async function create(changes: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return (await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, ...changes } })).body.id;
}

type Explained = { readonly webhook_id: string; readonly reason: string | null };
const reasons = (items: readonly Explained[]) => new Map(items.map((item) => [item.webhook_id, item.reason]));

describe("an explanation", () => {
  it("says of every webhook whether it would get the event, and why not", async () => {
    const [wanted, others, paused] = [await create(), await create({ events: ["run.*"] }), await create()];
    const high = await create({ filter: "data.level > 3" });
    const odd = await create({ filter: 'data.name == "x"' });
    await api.call(updateWebhookRoute, { path: path({ webhook: paused }), body: { is_active: false } });
    const deleted = await create();
    await api.call(deleteWebhookRoute, { path: path({ webhook: deleted }) });
    const { event } = await storeEvent(backend, tenant.org, { data: Buffer.from('{"level":1}') });
    const { items } = (await api.call(explainEventRoute, { path: path({ event: event.id }) })).body;
    const expected = [
      [wanted, null],
      [others, "no_pattern"],
      [paused, "webhook_inactive"],
      [high, "filter"],
      [odd, "filter_error"],
    ] as const;
    expect(reasons(items)).toEqual(new Map(expected));
    expect(items.filter((item) => item.would_deliver).map((item) => item.webhook_id)).toEqual([wanted]);
  });

  it("is made of a type and of data that nobody has published", async () => {
    const high = await create({ filter: "data.level > 3" });
    const explain = async (body: Readonly<Record<string, unknown>>) => {
      const { items } = (await api.call(explainTypeRoute, { path: path(), body })).body;
      return reasons(items).get(high);
    };
    expect(await explain({ type: "agent.status", data: { level: 4 } })).toBeNull();
    expect(await explain({ type: "agent.status", data: { level: 3 } })).toBe("filter");
    expect(await explain({ type: "agent.status" })).toBe("no_data");
    expect(await explain({ type: "agent" })).toBe("no_pattern");
  });

  it("comes in pages, and is of one organisation", async () => {
    const webhooks = [await create(), await create(), await create({ url: "http://127.0.0.1:9/?token=canary" })];
    const stranger = await createTenant(api.call);
    const body = { type: "agent.status" };
    const first = await api.call(explainTypeRoute, { path: path(), body, query: { limit: "2" } });
    const cursor = first.body.next_cursor ?? "";
    const second = await api.call(explainTypeRoute, { path: path(), body, query: { limit: "2", cursor } });
    const seen = [...first.body.items, ...second.body.items].map((item) => item.webhook_id);
    expect(seen).toEqual(webhooks.toReversed());
    expect(first.text).not.toContain("canary");
    const foreign = { path: { org: stranger.org }, body, key: stranger.keys.runtime };
    expect((await api.call(explainTypeRoute, foreign)).body.items).toEqual([]);
  });

  it.each([
    [{}, "/type", "must be a text"],
    [{ type: "a..b" }, "/type", "must be tokens of letters, digits, _ or - joined by single dots"],
  ])("is not made of %j", async (body, at, message) => {
    const { problem } = await api.call(explainTypeRoute, { path: path(), body });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
  });
});
