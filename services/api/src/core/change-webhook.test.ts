import { describe, expect, it } from "vitest";
import {
  blankWebhook,
  type ContentBefore,
  changeWebhook,
  type SealedInput,
  type WebhookInput,
} from "./change-webhook.ts";

const NOTHING_SEALED: SealedInput = { token: undefined, headers: undefined };
const TOKEN = Buffer.from("sealed token");
const HEADERS = Buffer.from("sealed headers");

const DISABLED: ContentBefore = {
  ...blankWebhook("hmac"),
  url: "https://example.com/",
  patterns: ["*"],
  headerNames: ["X-Own"],
  sealedHeaders: HEADERS,
  isActive: false,
  disabledReason: "gone",
};

function changed(input: WebhookInput, before: ContentBefore, sealed = NOTHING_SEALED) {
  const result = changeWebhook(input, sealed, before);
  if (result.kind === "invalid") throw new Error(`${result.path} ${result.message}`);
  return result.content;
}

describe("a change", () => {
  it("that says nothing changes nothing", () => {
    const { signing: _, ...content } = DISABLED;
    expect(changed({}, DISABLED)).toEqual(content);
  });

  it("replaces all headers by those it names", () => {
    const sealed = { token: undefined, headers: Buffer.from("others") };
    const content = changed({ headers: { "X-Other": "1" } }, DISABLED, sealed);
    expect(content).toMatchObject({ headerNames: ["X-Other"], sealedHeaders: Buffer.from("others") });
  });

  it.each([[null], [{}]])("takes all headers away: %j", (headers) => {
    expect(changed({ headers }, DISABLED)).toMatchObject({ headerNames: [], sealedHeaders: undefined });
  });

  it("keeps the sealed token, takes a new one, and lets go of it with the profile", () => {
    const input = { profile: "github-dispatch", profile_options: { token: "t" } } as const;
    const { signing } = DISABLED;
    const dispatch = { ...changed(input, DISABLED, { token: TOKEN, headers: undefined }), signing };
    expect(dispatch.sealedToken).toBe(TOKEN);
    expect(changed({ description: "x" }, dispatch).sealedToken).toBe(TOKEN);
    const other = Buffer.from("other");
    const replaced = changed({ profile_options: { token: "u" } }, dispatch, { token: other, headers: undefined });
    expect(replaced.sealedToken).toBe(other);
    expect(changed({ profile: null }, dispatch).sealedToken).toBeUndefined();
  });

  it("meets a header that was there before the profile that sets it", () => {
    const before = { ...DISABLED, headerNames: ["Authorization"] };
    const input = { profile: "github-dispatch", profile_options: { token: "t" } } as const;
    expect(changeWebhook(input, { token: TOKEN, headers: undefined }, before)).toMatchObject({
      kind: "invalid",
      path: "/headers/Authorization",
    });
  });
});

describe("what the engine took out of service", () => {
  it.each([
    ["stays so while nobody says otherwise", { description: "x" }, { isActive: false, disabledReason: "gone" }],
    ["stays so when it is paused besides", { is_active: false }, { isActive: false, disabledReason: "gone" }],
    ["is forgotten when it is activated", { is_active: true }, { isActive: true, disabledReason: undefined }],
    ["is forgotten by the default", { is_active: null }, { isActive: true, disabledReason: undefined }],
  ])("%s", (_what, input, expected) => {
    expect(changed(input, DISABLED)).toMatchObject(expected);
  });
});

describe("the way of signing", () => {
  const ed25519 = { ...DISABLED, signing: "ed25519" } as const;
  it.each([
    ["hmac", DISABLED],
    [null, DISABLED],
    [undefined, ed25519],
    ["ed25519", ed25519],
  ] as const)("may be named as it is: %j", (signing, before) => {
    expect(changeWebhook({ signing }, NOTHING_SEALED, before).kind).toBe("changed");
  });

  it.each([
    ["ed25519", DISABLED],
    ["hmac", ed25519],
    [null, ed25519],
  ] as const)("cannot be changed: %j", (signing, before) => {
    expect(changeWebhook({ signing }, NOTHING_SEALED, before)).toEqual({
      kind: "invalid",
      path: "/signing",
      message: `is ${before.signing} and cannot be changed; make another webhook`,
    });
  });
});
