/** Why a webhook was not created, changed or tested, and how that is answered. */

import type { Problem } from "./problems.ts";
import { invalid, notFound, PERHAPS_SENT, UNSIGNABLE, unavailable } from "./problems.ts";

export type WebhookRefusal = InvalidField | UnknownWebhook | { readonly kind: "signer-unavailable" };

/** A field is wrong by itself or beside another one. */
export type InvalidField = {
  readonly kind: "invalid";
  /** JSON pointer into the body. */
  readonly path: string;
  readonly message: string;
};

/** Why a test was not sent, or why nobody can say whether it was. */
export type TestRefusal =
  | InvalidField
  | UnknownWebhook
  | { readonly kind: "unsignable" | "busy" | "nats-unavailable" | "dispatcher-unavailable" | "perhaps-sent" };

export type UnknownWebhook = { readonly kind: "unknown" };

export function invalidField(path: string, message: string): InvalidField {
  return { kind: "invalid", path, message };
}

export function problemOf(refusal: WebhookRefusal | TestRefusal): Problem {
  switch (refusal.kind) {
    case "invalid":
      return invalid(refusal.path, refusal.message);
    case "unknown":
      return notFound("webhook");
    case "signer-unavailable":
      return unavailable("the signer");
    case "unsignable":
      return UNSIGNABLE;
    case "nats-unavailable":
      return unavailable("NATS");
    case "busy":
    case "dispatcher-unavailable":
      return unavailable("the dispatcher");
    case "perhaps-sent":
      return PERHAPS_SENT;
    default:
      return refusal satisfies never;
  }
}
