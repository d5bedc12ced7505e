/** Rotations of secrets as receivers see them: what verifies during the overlap, and what does after it. */

import { createHmac, createPublicKey, verify } from "node:crypto";
import { type Receiver, type RecordedRequest, startReceiver, waitUntil } from "@posthorn/testkit";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, expectAnswer, type Tenant, type Webhook } from "../tenant.ts";

/** Long enough that every first delivery is signed within it, however busy the machine. */
const OVERLAP_S = 8;
const PROFILES = ["standard", "myop", "znyx", "mutx", "nextmv"] as const;
type Profile = (typeof PROFILES)[number];
type Rotated = { readonly path: string; readonly profile: Profile; readonly old: string; readonly new: string };

/** The one value that a seed's own header may hold, by the secret that signs. */
const LEGACY: Readonly<Record<Exclude<Profile, "standard">, (request: RecordedRequest, secret: string) => boolean>> = {
  myop: (request, secret) => request.header("x-myop-signature") === `sha256=${hmac(secret, request.body)}`,
  znyx: (request, secret) => request.header("x-webhook-signature") === `sha256=${hmac(secret, request.body)}`,
  mutx: (request, secret) => request.header("x-webhook-signature") === `sha256=${hmac(secret, request.body)}`,
  nextmv: (request, secret) => {
    const [, timestamp = ""] = /^t=(\d+),v1=[0-9a-f]{64}$/.exec(request.header("nextmv-signature") ?? "") ?? [];
    const signature = hmac(secret, Buffer.concat([Buffer.from(`${timestamp}.`), request.body]));
    return request.header("nextmv-signature") === `t=${timestamp},v1=${signature}`;
  },
};

let stack: TestStack;
let tenant: Tenant;
let receiver: Receiver;
beforeAll(async () => {
  stack = await startTestStack();
  tenant = await createTenant(stack, "rotation");
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

async function rotate(
  id: string,
  changes: Readonly<Record<string, unknown>>,
): Promise<Webhook & { public_key: string }> {
  const path = `/v1/orgs/${tenant.orgId}/webhooks/${id}/rotate-secret`;
  return expectAnswer(await tenant.api("POST", path, { overlap_s: OVERLAP_S, ...changes }), 200);
}

/** The request that each of these paths gets of one event. */
async function deliver(type: string, paths: readonly string[]): Promise<ReadonlyMap<string, RecordedRequest>> {
  const before = receiver.requests.length;
  await tenant.publish({ type, data: { at: type, n: 0.5 } });
  const requests = await waitUntil(
    () => {
      const byPath = new Map(receiver.requests.slice(before).map((request) => [request.path, request]));
      return paths.every((path) => byPath.has(path)) ? byPath : undefined;
    },
    {
      timeoutMs: 15_000,
      describe: () => `${paths.length} deliveries, of which ${receiver.requests.length - before} came`,
    },
  );
  return requests;
}

it("signs with both secrets until the overlap ends, and single-value headers with the one that was chosen", async () => {
  const rotated: Rotated[] = [];
  for (const profile of PROFILES) {
    for (const choice of [undefined, "new"] as const) {
      const path = `/${profile}/${choice ?? "by-default"}`;
      const webhook = await tenant.subscribe({ url: `${receiver.url}${path}`, events: ["turn.*"], profile });
      const changes = choice === undefined ? {} : { legacy_signs_with: choice };
      const { secret } = await rotate(webhook.id, changes);
      rotated.push({ path, profile, old: webhook.secret, new: secret });
    }
  }
  const rotatedAtMs = Date.now();
  const paths = rotated.map(({ path }) => path);

  const during = await deliver("turn.during", paths);
  for (const { path, profile, ...secrets } of rotated) {
    const request = requestOf(during, path);
    expect({ path, signatures: signaturesOf(request).length }).toEqual({ path, signatures: 2 });
    for (const secret of [secrets.old, secrets.new])
      expect({ path, isSigned: isSignedBy(secret, request) }).toEqual({ path, isSigned: true });
    if (profile === "standard") continue;
    const isNew = path.endsWith("new");
    const signs = { old: LEGACY[profile](request, secrets.old), new: LEGACY[profile](request, secrets.new) };
    expect({ path, signs }).toEqual({ path, signs: { old: !isNew, new: isNew } });
  }

  await new Promise((resolve) => setTimeout(resolve, rotatedAtMs + OVERLAP_S * 1_000 - Date.now()));
  const after = await deliver("turn.after", paths);
  for (const { path, profile, ...secrets } of rotated) {
    const request = requestOf(after, path);
    expect({ path, signatures: signaturesOf(request).length }).toEqual({ path, signatures: 1 });
    expect({ path, old: isSignedBy(secrets.old, request), new: isSignedBy(secrets.new, request) }).toEqual({
      path,
      old: false,
      new: true,
    });
    if (profile !== "standard")
      expect({ path, isNew: LEGACY[profile](request, secrets.new) }).toEqual({ path, isNew: true });
  }
});

it("keeps Nextmv's header to two parts while three secrets sign", async () => {
  const path = "/nextmv/thrice";
  const webhook = await tenant.subscribe({ url: `${receiver.url}${path}`, events: ["thrice"], profile: "nextmv" });
  const secrets = [webhook.secret, (await rotate(webhook.id, {})).secret, (await rotate(webhook.id, {})).secret];
  const request = requestOf(await deliver("thrice", [path]), path);
  expect(secrets.map((secret) => isSignedBy(secret, request))).toEqual([true, true, true]);
  expect(request.header("nextmv-signature")).toMatch(/^t=\d+,v1=[0-9a-f]{64}$/);
  expect(secrets.filter((secret) => LEGACY.nextmv(request, secret))).toHaveLength(1);
});

it("stops a former secret at once when there is no overlap, and takes a secret that is given", async () => {
  const path = "/standard/at-once";
  const webhook = await tenant.subscribe({ url: `${receiver.url}${path}`, events: ["once"] });
  const given = "a secret that somebody chose";
  expect((await rotate(webhook.id, { overlap_s: 0, secret: given })).secret).toBe(given);
  const request = requestOf(await deliver("once", [path]), path);
  expect({ old: isSignedBy(webhook.secret, request), given: isSignedBy(given, request) }).toEqual({
    old: false,
    given: true,
  });
});

it("signs with ed25519 keys that the public key alone verifies, both of them during an overlap", async () => {
  const path = "/ed25519";
  const order = { url: `${receiver.url}${path}`, events: ["curve.*"], signing: "ed25519" };
  const webhook = (await tenant.subscribe(order)) as Webhook & { public_key: string }; // an asymmetric one has its key
  expect(webhook.secret).toMatch(/^whsk_/);
  const first = requestOf(await deliver("curve.first", [path]), path);
  expect(signaturesOf(first).map(([version]) => version)).toEqual(["v1a"]);
  expect(isSignedByKey(webhook.public_key, first)).toBe(true);
  expect(isSignedByKey(webhook.public_key, { ...first, body: Buffer.from("{}") })).toBe(false);

  const rotated = await rotate(webhook.id, {});
  expect(rotated.public_key).not.toBe(webhook.public_key);
  const during = requestOf(await deliver("curve.during", [path]), path);
  expect([webhook, rotated].map(({ public_key }) => isSignedByKey(public_key, during))).toEqual([true, true]);
});

function requestOf(requests: ReadonlyMap<string, RecordedRequest>, path: string): RecordedRequest {
  const request = requests.get(path);
  if (request === undefined) throw new Error(`nothing came to ${path}`);
  return request;
}

function hmac(secret: string, body: Buffer): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** Version and value of each, in the order of the header. */
function signaturesOf(request: RecordedRequest): [string, string][] {
  const signatures = request.header("webhook-signature")?.split(" ") ?? [];
  return signatures.map((signature) => {
    const [version = "", value = ""] = signature.split(",");
    return [version, value];
  });
}

/** By the library that Standard Webhooks' own authors publish. A secret without their prefix is used as it is. */
function isSignedBy(secret: string, request: RecordedRequest): boolean {
  const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
  const headers = Object.fromEntries(names.map((name) => [name, request.header(name) ?? ""]));
  const library = secret.startsWith("whsec_")
    ? new StandardWebhook(secret)
    : new StandardWebhook(Buffer.from(secret), { format: "raw" });
  try {
    library.verify(request.body.toString(), headers);
    return true;
  } catch {
    return false;
  }
}

/** @param publicKey `whpk_` and the base64 of its 32 bytes. */
function isSignedByKey(publicKey: string, request: RecordedRequest): boolean {
  const x = Buffer.from(publicKey.replace("whpk_", ""), "base64").toString("base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  const head = `${request.header("webhook-id")}.${request.header("webhook-timestamp")}.`;
  const signed = Buffer.concat([Buffer.from(head), request.body]);
  return signaturesOf(request).some(([, value]) => verify(null, signed, key, Buffer.from(value, "base64")));
}
