/**
 * Profiles: what a receiver gets. A profile names the body format, the signature headers, the default timeout and
 * the default retries; it is fixed when a delivery is created.
 */

export const PROFILE_NAMES = ["standard", "myop", "github-dispatch", "nextmv", "znyx", "mutx"] as const;
export type ProfileName = (typeof PROFILE_NAMES)[number];

/** How a seed system's own signature header is made; every profile carries the Standard Webhooks trio besides. */
export type LegacySignature =
  | { readonly kind: "none" }
  /** `sha256=<hex HMAC of the body>`. */
  | { readonly kind: "body-sha256"; readonly header: string }
  /** `t=<unix s>,v1=<hex HMAC of "t.body">`, exactly two parts. */
  | { readonly kind: "timestamped"; readonly header: string };

export type Profile = {
  readonly name: ProfileName;
  readonly timeoutMs: number;
  /** Seconds after a failure before the next attempt. */
  readonly retryDelaysS: readonly number[];
  readonly legacySignature: LegacySignature;
  /** Otherwise all deliveries of an event with this profile have the same body. */
  readonly bodyNamesDelivery: boolean;
  /** Headers that name the event, by what they carry. */
  readonly eventTypeHeader: string | undefined;
  readonly deliveryIdHeader: string | undefined;
  /** The same in every request. */
  readonly fixedHeaders: readonly (readonly [name: string, value: string])[];
};

const PROFILES: Readonly<Record<ProfileName, Profile>> = {
  standard: {
    name: "standard",
    timeoutMs: 15_000,
    retryDelaysS: [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
    legacySignature: { kind: "none" },
    bodyNamesDelivery: false,
    eventTypeHeader: undefined,
    deliveryIdHeader: undefined,
    fixedHeaders: [],
  },
  myop: {
    name: "myop",
    timeoutMs: 10_000,
    retryDelaysS: [],
    legacySignature: { kind: "body-sha256", header: "X-Myop-Signature" },
    bodyNamesDelivery: false,
    eventTypeHeader: "X-Myop-Event",
    deliveryIdHeader: undefined,
    fixedHeaders: [],
  },
  "github-dispatch": {
    name: "github-dispatch",
    timeoutMs: 10_000,
    retryDelaysS: [],
    legacySignature: { kind: "none" },
    bodyNamesDelivery: false,
    eventTypeHeader: undefined,
    deliveryIdHeader: undefined,
    fixedHeaders: [["Accept", "application/vnd.github+json"]],
  },
  nextmv: {
    name: "nextmv",
    timeoutMs: 10_000,
    retryDelaysS: [60, 300, 1_800],
    legacySignature: { kind: "timestamped", header: "Nextmv-Signature" },
    bodyNamesDelivery: false,
    eventTypeHeader: undefined,
    deliveryIdHeader: undefined,
    fixedHeaders: [],
  },
  znyx: {
    name: "znyx",
    timeoutMs: 10_000,
    retryDelaysS: [120, 480, 1_800, 4_800],
    legacySignature: { kind: "body-sha256", header: "X-Webhook-Signature" },
    bodyNamesDelivery: false,
    eventTypeHeader: undefined,
    deliveryIdHeader: undefined,
    fixedHeaders: [],
  },
  mutx: {
    name: "mutx",
    timeoutMs: 30_000,
    retryDelaysS: [30, 300, 1_800],
    legacySignature: { kind: "body-sha256", header: "X-Webhook-Signature" },
    bodyNamesDelivery: true,
    eventTypeHeader: "X-Webhook-Event",
    deliveryIdHeader: "X-Webhook-Delivery-Id",
    fixedHeaders: [],
  },
};

export function profileOf(name: ProfileName): Profile {
  return PROFILES[name];
}

export function parseProfileName(text: string): ProfileName | undefined {
  return PROFILE_NAMES.find((name) => name === text);
}
