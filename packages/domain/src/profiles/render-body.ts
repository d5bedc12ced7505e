/**
 * Renders the body that a receiver gets. Pure: the same event, delivery and profile give the same bytes in every
 * process and at every attempt. `data` goes in as it was published, except in `mutx`, whose receivers re-serialise.
 */

import { type AcceptedEvent, eventTimestamp } from "../events/event.ts";
import type { DeliveryId } from "../ids/ids.ts";
import { canonicalJson } from "../json/canonical-json.ts";
import type { ProfileName } from "./profile.ts";

export type RenderedBody =
  | { readonly kind: "body"; readonly bytes: Uint8Array }
  | { readonly kind: "unrepresentable"; readonly reason: string };

/** What the body is made of besides the event; fixed when the delivery is created. */
export type BodyOrder = {
  readonly profile: ProfileName;
  readonly eventTypePrefix: string;
  /** What the receiver knows the message by. */
  readonly messageId: DeliveryId;
};

export function renderBody({ profile, eventTypePrefix, messageId }: BodyOrder, event: AcceptedEvent): RenderedBody {
  const type = JSON.stringify(event.type);
  const timestamp = JSON.stringify(eventTimestamp(event));
  switch (profile) {
    case "standard":
      return around(`{"type":${type},"timestamp":${timestamp},"data":`, event.data);
    case "myop":
      return around(
        `{"event":${type},"timestamp":${timestamp},"organizationId":${JSON.stringify(event.orgId)},"data":`,
        event.data,
      );
    case "github-dispatch": {
      const eventType = JSON.stringify(eventTypePrefix + event.type.replaceAll(".", "-"));
      return around(`{"event_type":${eventType},"client_payload":`, event.data);
    }
    case "nextmv":
      return { kind: "body", bytes: event.data };
    case "znyx":
      return around(`{"id":${JSON.stringify(event.id)},"event":${type},"timestamp":${timestamp},"data":`, event.data);
    case "mutx":
      return renderMutx(event, messageId);
    default:
      return profile satisfies never;
  }
}

/** A fixed point of JSON.parse and JSON.stringify, because the documented receiver verifies a re-serialised body. */
function renderMutx(event: AcceptedEvent, messageId: DeliveryId): RenderedBody {
  const data = canonicalJson(event.data);
  if (data.kind === "lossy") return { kind: "unrepresentable", reason: data.reason };
  const envelope = {
    event: event.type,
    timestamp: pythonIsoFormat(event),
    delivery_id: messageId,
    data: data.value,
  };
  return { kind: "body", bytes: Buffer.from(JSON.stringify(envelope)) };
}

/** UTC as `+00:00`, because Python before 3.11 does not parse a trailing `Z`. */
function pythonIsoFormat(event: AcceptedEvent): string {
  if (event.timestamp !== undefined) return event.timestamp.replace(/[Zz]$/, "+00:00");
  return new Date(event.acceptedAtMs).toISOString().replace("Z", "000+00:00");
}

function around(prefix: string, data: Uint8Array): RenderedBody {
  const prefixBytes = Buffer.byteLength(prefix);
  const bytes = Buffer.allocUnsafe(prefixBytes + data.length + 1);
  bytes.write(prefix);
  bytes.set(data, prefixBytes);
  bytes[prefixBytes + data.length] = 0x7d; // }
  return { kind: "body", bytes };
}
