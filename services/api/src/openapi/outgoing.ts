/** Describes what receivers get: the body and the headers of each profile, as webhooks of OpenAPI. */

import { limits, PROFILE_NAMES, type ProfileName, profileOf } from "@posthorn/domain";
import { z } from "zod";
import { id } from "../schemas/fields.ts";
import type { JsonSchema } from "../schemas/wire-form.ts";
import type { JsonSchemas } from "./json-schemas.ts";

const type = z
  .string()
  .describe("The event's type")
  .meta({ examples: ["agent.status"] });
const timestamp = z
  .string()
  .describe("The event's time: its publisher's text, else when it was accepted (RFC 3339)")
  .meta({ examples: ["2026-03-24T13:37:00.000Z"] });
const data = z.unknown().describe("As published, byte for byte");

/** The bodies; a test holds them against what is really sent. */
const BODIES: Readonly<Record<ProfileName, { readonly summary: string; readonly schema: z.ZodType }>> = {
  standard: {
    summary: "An event as Standard Webhooks writes it",
    schema: z.strictObject({ type, timestamp, data }),
  },
  myop: {
    summary: "An event for receivers of Myop",
    schema: z.strictObject({ event: type, timestamp, organizationId: id, data }),
  },
  "github-dispatch": {
    summary: "An event as a repository_dispatch of GitHub",
    schema: z.strictObject({
      event_type: z.string().describe("The webhook's prefix and the event's type, dots as dashes"),
      client_payload: data,
    }),
  },
  nextmv: { summary: "An event for receivers of Nextmv", schema: data },
  znyx: {
    summary: "An event for receivers of Znyx",
    schema: z.strictObject({ id: id.describe("The event's id"), event: type, timestamp, data }),
  },
  mutx: {
    summary: "An event for receivers of MUTX",
    schema: z.strictObject({
      event: type,
      timestamp: timestamp.describe("The event's time, UTC written as `+00:00`"),
      delivery_id: id.describe("The same in every attempt and every replay"),
      data: data.describe("As published, numbers and members in the order that JSON.parse gives them"),
    }),
  },
};

export function describeOutgoing(schemas: JsonSchemas) {
  return Object.fromEntries(
    PROFILE_NAMES.map((name) => [
      name,
      {
        post: {
          operationId: `receive${pascal(name)}`,
          summary: BODIES[name].summary,
          description: descriptionOf(name),
          security: [],
          parameters: headersOf(name).map(([header, description, schema = { type: "string" }]) => ({
            name: header,
            in: "header",
            required: !OPTIONAL_HEADERS.has(header),
            description,
            schema,
          })),
          requestBody: {
            required: true,
            content: { "application/json": { schema: schemas.write(BODIES[name].schema, "output") } },
          },
          responses: RESPONSES,
        },
      },
    ]),
  );
}

type HeaderRow = readonly [name: string, description: string, schema?: JsonSchema];

/** A webhook without a secret of its receiver's has no signature of the profile's own. */
const OPTIONAL_HEADERS = new Set(PROFILE_NAMES.flatMap((name) => legacyHeadersOf(name).map(([header]) => header)));

function headersOf(name: ProfileName): readonly HeaderRow[] {
  const { eventTypeHeader, deliveryIdHeader } = profileOf(name);
  return [
    ["webhook-id", "The delivery's id, the same in every attempt and every replay: what you have seen, ignore", UUID],
    ["webhook-timestamp", "When this attempt was made, in Unix seconds", { type: "string", pattern: "^[1-9]\\d*$" }],
    [
      "webhook-signature",
      "Signatures by Standard Webhooks, separated by blanks, one per valid secret: `v1,` and the HMAC-SHA256 of " +
        "id, timestamp and body in base64; `v1a,` and an Ed25519 signature for webhooks that sign so",
      { type: "string", pattern: "^v1a?,[A-Za-z0-9+/=]+( v1a?,[A-Za-z0-9+/=]+)*$" },
    ],
    ["User-Agent", "`Posthorn/` and its version"],
    ["traceparent", "The trace that the event was published in (W3C Trace Context)"],
    ...legacyHeadersOf(name),
    ...(eventTypeHeader === undefined ? [] : [[eventTypeHeader, "The event's type"] as const]),
    ...(deliveryIdHeader === undefined ? [] : [[deliveryIdHeader, "The same as `webhook-id`", UUID] as const]),
  ];
}

const UUID: JsonSchema = { type: "string", format: "uuid" };

function legacyHeadersOf(name: ProfileName): readonly HeaderRow[] {
  const { legacySignature } = profileOf(name);
  switch (legacySignature.kind) {
    case "none":
      return [];
    case "body-sha256":
      return [
        [
          legacySignature.header,
          "`sha256=` and the HMAC-SHA256 of the body in hex, keyed by the whole secret",
          { type: "string", pattern: "^sha256=[0-9a-f]{64}$" },
        ],
      ];
    case "timestamped":
      return [
        [
          legacySignature.header,
          "`t=`, Unix seconds, `,v1=` and the HMAC-SHA256 of the seconds, a dot and the body in hex",
          { type: "string", pattern: "^t=[1-9]\\d*,v1=[0-9a-f]{64}$" },
        ],
      ];
    default:
      return legacySignature satisfies never;
  }
}

function descriptionOf(name: ProfileName): string {
  const { timeoutMs, retryDelaysS } = profileOf(name);
  const retries =
    retryDelaysS.length === 0
      ? "There is no second attempt unless the webhook has a schedule."
      : `Unless the webhook has a schedule, a failed attempt is followed by others after ${retryDelaysS.join(", ")} s.`;
  // OpenAPI ignores parameters of these names.
  const github = "Carries `Authorization: Bearer` with the webhook's token, and `Accept: application/vnd.github+json`.";
  const parts = [
    `Sent to webhooks of the profile \`${name}\`. Answer with 2xx within ${timeoutMs / 1_000} s.`,
    retries,
    `The payload has at most ${limits.EVENT_DATA_BYTES_MAX / 1_024} KiB.`,
    ...(name === "github-dispatch" ? [github] : []),
  ];
  return parts.join(" ");
}

const RESPONSES = {
  "2XX": { description: "The delivery has succeeded" },
  "3XX": { description: "The attempt has failed; redirects are not followed" },
  "410": { description: "The attempt has failed, and the webhook is disabled" },
  "429": { description: "The attempt has failed; the next one waits at least for `Retry-After`" },
  "503": { description: "The attempt has failed; the next one waits at least for `Retry-After`" },
  default: { description: "The attempt has failed" },
};

function pascal(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_all, _dash, letter: string) => letter.toUpperCase());
}
