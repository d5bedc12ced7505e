/** Waiting for one of the receiver's sockets is waiting for the receiver: its gate is told of it. */

import type { EgressClient, Place, TargetUrl } from "@posthorn/egress";
import type { Soon } from "../soon.ts";
import type { WebhookGates } from "./webhook-gates.ts";

type Places = Pick<EgressClient, "tryReserve" | "reserve">;

/** `egress.reserve`, or a place at once. */
export type ReservePlace = (url: TargetUrl, owner: string, signal?: AbortSignal) => Soon<Place | undefined>;

/** With the webhook as the owner. */
export function createReservePlace(egress: Places, gates: WebhookGates): ReservePlace {
  async function waitForPlace(url: TargetUrl, webhook: string, signal?: AbortSignal): Promise<Place | undefined> {
    const comesBack = gates.waitsOutside(webhook);
    try {
      return await egress.reserve(url, webhook, signal);
    } finally {
      comesBack();
    }
  }
  return (url, webhook, signal) => egress.tryReserve(url, webhook) ?? waitForPlace(url, webhook, signal);
}
