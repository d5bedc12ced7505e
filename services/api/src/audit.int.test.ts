/** The audit over REST, and what the engine itself does to webhooks. */

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
import { loggedEvents } from "./log.fixture.ts";
import { listAuditRoute } from "./schemas/audit.ts";
import { createWebhookRoute, getWebhookRoute, updateWebhookRoute } from "./schemas/webhook.ts";

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

const T0_MS = Date.parse("2026-03-24T13:37:00.000Z");
const idOf = (number: number) => `01890a5d-ac96-774b-bcce-${String(number).padStart(12, "0")}`;

/** As the projector keeps it. */
async function project(number: number, changes: { readonly actor?: string; readonly subject_id?: string } = {}) {
  const id = `${tenant.org.slice(0, 24)}${String(number).padStart(12, "0")}`;
  const row = {
    id,
    org_id: tenant.org,
    changed_at: new Date(T0_MS + number * 1_000),
    actor: "root",
    action: "updateWebhook",
    subject_kind: "webhook",
    subject_id: idOf(1),
    fields: ["url"],
    request_id: "r-1",
    ...changes,
  };
  await backend.database.db.insertInto("audit").values(row).execute();
  return id;
}

describe("the audit", () => {
  const list = async (query: Readonly<Record<string, string>> = {}) =>
    (await api.call(listAuditRoute, { path: path(), query, key: tenant.keys.admin })).body;

  it("says who changed what, the newest first", async () => {
    const [first, second] = [await project(1), await project(2)];
    const { items } = await list();
    expect(items.map((item) => item.id)).toEqual([second, first]);
    expect(items[1]).toEqual({
      id: first,
      at: "2026-03-24T13:37:01.000Z",
      actor: "root",
      action: "updateWebhook",
      subject_kind: "webhook",
      subject_id: idOf(1),
      fields: ["url"],
      request_id: "r-1",
    });
  });

  it("is filtered by time, actor and subject", async () => {
    const [one, two, three] = [
      await project(1),
      await project(2, { actor: tenant.adminKeyId }),
      await project(3, { subject_id: idOf(7) }),
    ];
    const ids = async (query: Readonly<Record<string, string>>) => (await list(query)).items.map((item) => item.id);
    expect(await ids({ actor: tenant.adminKeyId })).toEqual([two]);
    expect(await ids({ subject: idOf(7) })).toEqual([three]);
    expect(await ids({ since: "2026-03-24T13:37:02Z" })).toEqual([three, two]);
    expect(await ids({ until: "2026-03-24T13:37:02Z" })).toEqual([one]);
  });

  it("comes in pages", async () => {
    const ids = [];
    for (const number of [1, 2, 3, 4, 5]) ids.unshift(await project(number));
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: Awaited<ReturnType<typeof list>> = await list({ limit: "2", ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.items.map((item) => item.id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
  });

  it("is for admins, of their own organisation", async () => {
    await project(1);
    for (const key of [tenant.keys.ci, tenant.keys.runtime]) {
      expect((await api.call(listAuditRoute, { path: path(), key })).problem.status).toBe(403);
    }
    const stranger = await createTenant(api.call);
    const foreign = await api.call(listAuditRoute, { path: { org: stranger.org }, key: stranger.keys.admin });
    expect(foreign.body.items).toEqual([]);
  });
});

describe("a webhook that the engine has judged", () => {
  async function judge(webhook: string, configVersion: number, disabledAt = new Date()): Promise<void> {
    const row = { webhook_id: webhook, org_id: tenant.org, reason: "gone", config_version: configVersion };
    await backend.database.db
      .insertInto("webhook_disablings")
      .values({ ...row, disabled_at: disabledAt })
      .execute();
  }

  const create = async () => (await api.call(createWebhookRoute, { path: path(), body: WEBHOOK })).body.id;
  const get = async (webhook: string) => (await api.call(getWebhookRoute, { path: path({ webhook }) })).body;

  it("is taken out of service, and the audit says that nobody asked for it", async () => {
    const webhook = await create();
    await judge(webhook, 1);
    await expect
      .poll(() => get(webhook), { timeout: 10_000 })
      .toMatchObject({ is_active: false, disabled_reason: "gone" });
    await expect
      .poll(async () => (await loggedEvents(backend, tenant.org, "configuration.changed")).at(-1), { timeout: 10_000 })
      .toMatchObject({ actor: "posthorn", action: "disableWebhook", subjectKind: "webhook", subjectId: webhook });
    const audited = await loggedEvents(backend, tenant.org, "configuration.changed");
    expect(audited.filter(({ action }) => action === "disableWebhook")).toHaveLength(1);
  });

  it("stays in service when it was changed since", async () => {
    const [changed, judged] = [await create(), await create()];
    await api.call(updateWebhookRoute, { path: path({ webhook: changed }), body: { description: "mended" } });
    await judge(changed, 1);
    await judge(judged, 1);
    await expect.poll(() => get(judged), { timeout: 10_000 }).toMatchObject({ is_active: false });
    expect(await get(changed)).toMatchObject({ is_active: true, disabled_reason: null });
  });

  it("is found when the api comes up long after the judgement", async () => {
    const webhook = await create();
    await judge(webhook, 1, new Date(Date.now() - 3_600_000));
    await using late = await startTestApi(backend);
    await expect
      .poll(async () => (await late.call(getWebhookRoute, { path: path({ webhook }) })).body, { timeout: 10_000 })
      .toMatchObject({ is_active: false, disabled_reason: "gone" });
  });
});
