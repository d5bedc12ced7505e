/** Waiting for one of the receiver's sockets is waiting for the receiver: its gate is told of it. */

import type { EgressClient } from "@posthorn/egress";
import type { WebhookGates } from "./webhook-gates.ts";

type Places = Pick<EgressClient, "tryReserve" | "reserve">;

/** `egress.reserve`, with the webhook as the owner. */
export function createReservePlace(egress: Places, gates: WebhookGates): EgressClient["reserve"] {
  return async (url, webhook, signal) => {
    const place = egress.tryReserve(url, webhook);
    if (place !== undefined) return place;
    const comesBack = gates.waitsOutside(webhook);
    try {
      return await egress.reserve(url, webhook, signal);
    } finally {
      comesBack();
    }
  };
}
