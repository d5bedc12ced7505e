/** Webhooks over REST: what is refused, and with which words. */

import { limits } from "@posthorn/domain";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createTenant,
  startTestApi,
  startTestBackend,
  type Tenant,
  type TestApi,
  type TestBackend,
} from "./api.fixture.ts";
import { WEBHOOK } from "./every-route.fixture.ts";
import { createWebhookRoute, getWebhookRoute, listWebhooksRoute, updateWebhookRoute } from "./schemas/webhook.ts";

let backend: TestBackend;
let api: TestApi;
let tenant: Tenant;

beforeAll(async () => {
  backend = await startTestBackend();
  api = await startTestApi(backend);
  tenant = await createTenant(api.call);
});

afterAll(async () => {
  await api[Symbol.asyncDispose]();
  await backend[Symbol.asyncDispose]();
});

const path = (webhook?: string) => ({ org: tenant.org, ...(webhook === undefined ? {} : { webhook }) });

async function create(changes: Readonly<Record<string, unknown>> = {}) {
  const { body } = await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, ...changes } });
  return body;
}

describe("the edges of what is allowed", () => {
  const long = (length: number) => "x".repeat(length);
  it.each([
    ["url", `http://127.0.0.1/${long(limits.URL_LENGTH_MAX - 17)}`],
    ["events", Array.from({ length: limits.PATTERNS_PER_WEBHOOK_MAX }, (_, index) => `a.${index}`)],
    ["events", [long(limits.EVENT_TYPE_LENGTH_MAX)]],
    ["secret", long(limits.SECRET_LENGTH_MIN)],
    ["secret", ` ~${long(limits.SECRET_LENGTH_MAX - 2)}`],
    ["timeout_ms", limits.TIMEOUT_MS_MIN],
    ["timeout_ms", limits.TIMEOUT_MS_MAX],
    ["retry_schedule_s", Array.from({ length: limits.RETRIES_MAX }, () => limits.RETRY_DELAY_S_MAX)],
    ["description", long(1_000)],
    ["filter", `type == "${long(limits.FILTER_LENGTH_MAX - 10)}"`],
    ["rate_limit", limits.RATE_LIMIT_MIN],
    ["rate_limit", limits.RATE_LIMIT_MAX],
  ])("%s may be that", async (field, value) => {
    expect(await create({ [field]: value })).toMatchObject({ [field]: value });
  });
});

const NOT_PUBLIC = "url must point to a host on the public internet";
const HEADERS = "must be null or an object of at most 32 names with their values";
const HEADER_NAME = "the name must be a token of 1 to 128 characters (letters, digits, !#$%&'*+-.^_`|~)";
const HEADER_VALUE = "must be 1 to 2048 printable Latin-1 characters without blanks at its ends";
const TOKEN = "must be a text of 1 to 512 visible ASCII characters";
const OWN_HEADER = "is a header that webhooks cannot set";
const NO_OPTIONS = "must be null, because the profile standard has no options";
const REFUSED: readonly (readonly [field: string, value: unknown, path: string, message: string])[] = [
  ["url", undefined, "/url", "must be a text"],
  ["url", 7, "/url", "must be a text"],
  ["url", null, "/url", "must be a text"],
  ["url", `http://127.0.0.1/${"x".repeat(2_032)}`, "/url", "must have at most 2048 characters"],
  ["url", "", "/url", "must not be empty"],
  ["url", "ftp://example.com", "/url", "url must start with https:// or http:// and a host"],
  ["url", "http://10.0.0.1/", "/url", NOT_PUBLIC],
  ["url", "http://169.254.169.254/latest", "/url", NOT_PUBLIC],
  ["url", "http://[::1]/", "/url", NOT_PUBLIC],
  ["url", "http://metadata.google.internal/", "/url", NOT_PUBLIC],
  ["url", "http://a:b@example.com/", "/url", "url must not contain a user name or password"],
  ["url", "http://example.com/#x", "/url", "url must not contain a fragment (#)"],
  ["url", "http://exa mple.com/", "/url", "url must not contain whitespace, control characters or backslashes"],
  ["url", "http://example.com/\u0000", "/url", "url must not contain whitespace, control characters or backslashes"],
  ["events", undefined, "/events", "must be a list of 1 to 100 patterns"],
  ["events", null, "/events", "must be a list of 1 to 100 patterns"],
  ["events", "agent.*", "/events", "must be a list of 1 to 100 patterns"],
  ["events", [], "/events", "must be a list of 1 to 100 patterns"],
  ["events", Array(101).fill("a"), "/events", "must be a list of 1 to 100 patterns"],
  ["events", ["a", 7], "/events/1", "must be a text"],
  ["events", ["a", ""], "/events/1", "must have 1 to 128 characters, has 0"],
  ["events", ["a*"], "/events/0", "must be tokens joined by single dots, each * or made of letters, digits, _ or -"],
  ["secret", "short", "/secret", "must be a text of 16 to 256 printable ASCII characters"],
  ["secret", "x".repeat(257), "/secret", "must be a text of 16 to 256 printable ASCII characters"],
  ["secret", "0123456789abcdeü", "/secret", "must be a text of 16 to 256 printable ASCII characters"],
  ["secret", "0123456789abcde\n", "/secret", "must be a text of 16 to 256 printable ASCII characters"],
  ["profile", "svix", "/profile", "must be one of standard, myop, github-dispatch, nextmv, znyx, mutx"],
  ["profile", "github-dispatch", "/profile_options/token", "is required by the profile github-dispatch"],
  ["timeout_ms", 999, "/timeout_ms", "must be a whole number from 1000 to 30000"],
  ["timeout_ms", 30_001, "/timeout_ms", "must be a whole number from 1000 to 30000"],
  ["timeout_ms", 1_000.5, "/timeout_ms", "must be a whole number from 1000 to 30000"],
  ["timeout_ms", "1000", "/timeout_ms", "must be a whole number from 1000 to 30000"],
  ["retry_schedule_s", [0], "/retry_schedule_s/0", "must be a whole number from 1 to 518400"],
  ["retry_schedule_s", [1, 518_401], "/retry_schedule_s/1", "must be a whole number from 1 to 518400"],
  [
    "retry_schedule_s",
    Array(51).fill(1),
    "/retry_schedule_s",
    "must be null or a list of at most 50 delays in seconds",
  ],
  ["retry_schedule_s", 5, "/retry_schedule_s", "must be null or a list of at most 50 delays in seconds"],
  ["is_active", "true", "/is_active", "must be true or false"],
  ["is_active", 1, "/is_active", "must be true or false"],
  ["description", "", "/description", "must be a text of 1 to 1000 characters without control characters"],
  ["description", "a\u0000b", "/description", "must be a text of 1 to 1000 characters without control characters"],
  ["description", "half \ud800", "/description", "must be a text of 1 to 1000 characters without control characters"],
  ["filter", "", "/filter", "must be null or a text of 1 to 1024 characters"],
  ["filter", "x".repeat(1_025), "/filter", "must be null or a text of 1 to 1024 characters"],
  ["filter", true, "/filter", "must be null or a text of 1 to 1024 characters"],
  ["filter", "type == '\u0000'", "/filter", "must be Unicode text without NUL"],
  ["filter", "data.x = 1", "/filter", expect.stringMatching(/^line 1, column 8: /)],
  ["filter", "data.map(x, x)", "/filter", expect.stringContaining("map")],
  ["profile_options", { token: "t" }, "/profile_options", NO_OPTIONS],
  ["profile_options", {}, "/profile_options", NO_OPTIONS],
  ["profile_options", "t", "/profile_options", "must be null or an object with token and event_type_prefix"],
  ["profile_options", { other: 1 }, "/profile_options/other", "is not a known field"],
  ["profile_options", { token: "a b" }, "/profile_options/token", TOKEN],
  ["profile_options", { token: "" }, "/profile_options/token", TOKEN],
  [
    "profile_options",
    { token: "***" },
    "/profile_options/token",
    "is the mask that stands for the token; send the token itself or leave it out",
  ],
  [
    "profile_options",
    { event_type_prefix: "x".repeat(65) },
    "/profile_options/event_type_prefix",
    "must be a text of at most 64 visible ASCII characters",
  ],
  ["headers", "X-Own: 1", "/headers", HEADERS],
  ["headers", ["X-Own"], "/headers", HEADERS],
  ["headers", Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`X-${index}`, "1"])), "/headers", HEADERS],
  ["headers", { "X-Own": 1 }, "/headers/X-Own", "must be a text"],
  ["headers", { "": "1" }, "/headers/", HEADER_NAME],
  ["headers", { "X Own": "1" }, "/headers/X Own", HEADER_NAME],
  ["headers", { "X-Own:": "1" }, "/headers/X-Own:", HEADER_NAME],
  ["headers", { "X-Öwn": "1" }, "/headers/X-Öwn", HEADER_NAME],
  ["headers", { ["x".repeat(129)]: "1" }, `/headers/${"x".repeat(129)}`, HEADER_NAME],
  ["headers", { Host: "example.com" }, "/headers/Host", OWN_HEADER],
  ["headers", { "CONTENT-Length": "1" }, "/headers/CONTENT-Length", OWN_HEADER],
  ["headers", { "transfer-encoding": "chunked" }, "/headers/transfer-encoding", OWN_HEADER],
  ["headers", { "Webhook-Signature": "v1,x" }, "/headers/Webhook-Signature", OWN_HEADER],
  ["headers", { "webhook-own": "1" }, "/headers/webhook-own", OWN_HEADER],
  ["headers", { "Posthorn-Own": "1" }, "/headers/Posthorn-Own", OWN_HEADER],
  ["headers", { "Proxy-Authorization": "1" }, "/headers/Proxy-Authorization", OWN_HEADER],
  ["headers", { "X-Myop-Signature": "sha256=0" }, "/headers/X-Myop-Signature", OWN_HEADER],
  ["headers", { "nextmv-signature": "t=1,v1=0" }, "/headers/nextmv-signature", OWN_HEADER],
  ["headers", { "X-Webhook-Delivery-Id": "1" }, "/headers/X-Webhook-Delivery-Id", OWN_HEADER],
  ["headers", { Traceparent: "1" }, "/headers/Traceparent", OWN_HEADER],
  ["headers", { "X-Own": "" }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": " 1" }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": "a\r\nX-More: b" }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": "a\u0000b" }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": "a\u0085b" }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": "5 €" }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": "x".repeat(2_049) }, "/headers/X-Own", HEADER_VALUE],
  ["headers", { "X-Own": "***" }, "/headers/X-Own", "is the mask that stands for a value; send the value itself"],
  [
    "headers",
    { "X-Own": "1", "x-own": "2" },
    "/headers",
    "must not name x-own twice; upper and lower case make no difference",
  ],
  [
    "headers",
    Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`X-${index}`, "x".repeat(1_900)])),
    "/headers",
    "must have at most 8192 bytes together",
  ],
  ["rate_limit", 0, "/rate_limit", "must be a whole number from 1 to 10000"],
  ["rate_limit", 10_001, "/rate_limit", "must be a whole number from 1 to 10000"],
  ["rate_limit", 0.5, "/rate_limit", "must be a whole number from 1 to 10000"],
  ["ordered", "yes", "/ordered", "must be true or false"],
  ["signing", "rsa", "/signing", "must be one of hmac, ed25519"],
  ["has_secret", true, "/has_secret", "is not a known field"],
  ["Url", "http://example.com", "/Url", "is not a known field"],
  ["a/b~c", 1, "/a~1b~0c", "is not a known field"],
];

describe("creating refuses", () => {
  it.each(REFUSED)("%s: %j", async (field, value, at, message) => {
    const { problem } = await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, [field]: value } });
    expect(problem).toMatchObject({ status: 422, detail: "The body is not valid.", errors: [{ path: at, message }] });
  });

  it("with all mistakes at once, and at most fifty of them", async () => {
    const body = { url: 1, events: [], timeout_ms: 5, more: true };
    const { problem } = await api.call(createWebhookRoute, { path: path(), body });
    expect(problem.errors?.map((error) => error.path).toSorted()).toEqual(["/events", "/more", "/timeout_ms", "/url"]);
    const many = { ...WEBHOOK, ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`x${index}`, 1])) };
    expect((await api.call(createWebhookRoute, { path: path(), body: many })).problem.errors).toHaveLength(50);
  });

  it.each([
    ["what is no JSON", 400, { bytes: '{"url":' }],
    ["what is no UTF-8", 400, { bytes: Buffer.from([0x22, 0xff, 0x22]) }],
    ["a member given twice", 400, { bytes: `{"url":"${WEBHOOK.url}","url":"http://127.0.0.1/2","events":["*"]}` }],
    ["an empty body", 400, { bytes: "" }],
    ["no body", 400, {}],
    ["a list", 422, { body: [WEBHOOK] }],
    ["null", 422, { bytes: "null" }],
    ["a prototype", 422, { bytes: `{"url":"${WEBHOOK.url}","events":["*"],"__proto__":{"secret":"x"}}` }],
    ["another type", 415, { bytes: "url=x", headers: { "content-type": "application/x-www-form-urlencoded" } }],
    ["a body that is too large", 413, { bytes: JSON.stringify({ description: "x".repeat(65_536) }) }],
    ["a query", 422, { body: WEBHOOK, query: { dry_run: "true" } }],
  ])("%s", async (_what, status, options) => {
    expect((await api.call(createWebhookRoute, { path: path(), ...options })).problem.status).toBe(status);
  });

  it("without leaving anything behind", async () => {
    const { org } = await createTenant(api.call);
    for (const [field, value] of REFUSED) {
      await api.call(createWebhookRoute, { path: { org }, body: { ...WEBHOOK, [field]: value } });
    }
    expect((await api.call(listWebhooksRoute, { path: { org } })).body.items).toEqual([]);
  });

  it("plain http where it is not allowed", async () => {
    await using strict = await startTestApi(backend, { POSTHORN_ALLOW_HTTP: "false", POSTHORN_ALLOWED_TARGETS: "" });
    const { problem } = await strict.call(createWebhookRoute, { path: path(), body: WEBHOOK });
    expect(problem.errors).toEqual([{ path: "/url", message: "url must start with https:// and a host" }]);
    const local = { ...WEBHOOK, url: "https://127.0.0.1/" };
    const refusal = (await strict.call(createWebhookRoute, { path: path(), body: local })).problem;
    expect(refusal.errors).toEqual([{ path: "/url", message: NOT_PUBLIC }]);
  });
});

/** The second of each pair may be right by itself. */
const UNFIT: readonly (readonly [body: object, path: string, message: string])[] = [
  [
    { signing: "ed25519", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" },
    "/secret",
    "must be whsk_ and the base64 of 64 bytes, an Ed25519 seed and its public key, because signing is ed25519",
  ],
  [
    { secret: `whsk_${"A".repeat(86)}==` },
    "/secret",
    "must not begin with whsk_, which is for the keys of signing ed25519",
  ],
  [
    { profile: "github-dispatch", profile_options: { event_type_prefix: "x-" } },
    "/profile_options/token",
    "is required by the profile github-dispatch",
  ],
  [
    { profile: "github-dispatch", profile_options: { token: "t" }, headers: { authorization: "Basic x" } },
    "/headers/authorization",
    "is set by the profile github-dispatch itself",
  ],
  [
    { profile: "github-dispatch", profile_options: { token: "t" }, headers: { Accept: "x/y" } },
    "/headers/Accept",
    "is set by the profile github-dispatch itself",
  ],
];

it.each(UNFIT)("creating refuses what does not go together: %j", async (fields, at, message) => {
  const { problem } = await api.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, ...fields } });
  expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
});

describe("updating", () => {
  it.each([
    ...REFUSED.filter(([, value]) => value !== undefined && value !== null).filter(([field]) => field !== "secret"),
    ["secret", "0123456789abcdef", "/secret", "is not a known field"] as const,
    ["signing", "ed25519", "/signing", "is hmac and cannot be changed; make another webhook"] as const,
    ["url", null, "/url", "must be a text"] as const,
    ["events", null, "/events", "must be a list of 1 to 100 patterns"] as const,
  ])("refuses %s: %j", async (field, value, at, message) => {
    const { id, secret: _, ...before } = await create();
    const { problem } = await api.call(updateWebhookRoute, { path: path(id), body: { [field]: value } });
    expect(problem).toMatchObject({ status: 422, errors: [{ path: at, message }] });
    expect((await api.call(getWebhookRoute, { path: path(id) })).body).toEqual({ id, ...before });
  });
});

it("answers 405 with what is allowed, and 404 for what is not there", async () => {
  const put = await fetch(`${api.url}/v1/orgs/${tenant.org}/webhooks`, { method: "PUT" });
  expect([put.status, put.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  expect((await fetch(`${api.url}/v1/nothing`)).status).toBe(404);
});

it("creates nothing without a signer", async () => {
  await using signerless = await startTestApi(backend, { POSTHORN_SIGNER_TARGET: "127.0.0.1:9" });
  const url = "http://127.0.0.1:9/signerless";
  const { problem, headers } = await signerless.call(createWebhookRoute, { path: path(), body: { ...WEBHOOK, url } });
  expect(problem).toMatchObject({ status: 503, detail: "The signer does not answer. Nothing was changed; try again." });
  expect(headers.get("retry-after")).toBe("1");
  const { items } = (await signerless.call(listWebhooksRoute, { path: path(), query: { limit: "500" } })).body;
  expect(items.filter((item) => item.url === url)).toEqual([]);
});
