/**
 * What the configuration bucket says of webhooks and of payloads that were deleted, each with the newest version seen,
 * and which webhooks this process has found to be gone.
 */

import type { ConfigValue, EventId, OrgId, WebhookId } from "@posthorn/domain";
import type { WebhookLookup } from "../core/plan-attempt.ts";

/** With the organisation that its key names. */
type Held = { readonly orgId: string; readonly value: ConfigValue };

export class WebhookDirectory {
  /** By id alone, which is asked for twice for each delivery; the organisation is verified. */
  readonly #webhooks = new Map<string, Held>();
  readonly #deletedPayloads = new Map<string, Held>();
  /** The version that was judged. */
  readonly #disabled = new Map<string, number>();

  /** @param key as in the bucket: `<kind>.<org>.<id>`; kinds that a dispatcher has no use for are passed over. */
  apply(key: string, value: ConfigValue): void {
    const [kind, orgId = "", id = ""] = key.split(".");
    if (kind === "webhook") this.#applyTo(this.#webhooks, id, { orgId, value });
    if (kind === "payload-deletion") {
      this.#applyTo(this.#deletedPayloads, id, { orgId, value });
      // The tombstone of a deletion says nothing more: what it was about is past its age.
      if (value.kind === "deleted") this.#deletedPayloads.delete(id);
    }
  }

  /** What this process judged stays: it stands in the log. */
  clear(): void {
    this.#webhooks.clear();
    this.#deletedPayloads.clear();
  }

  get(org: OrgId, webhook: WebhookId): WebhookLookup {
    const held = this.#webhooks.get(webhook);
    if (held === undefined || held.orgId !== org) return { kind: "absent" };
    const { value } = held;
    if (value.kind === "deleted") return { kind: "deleted" };
    if (value.entry.kind !== "webhook") return { kind: "absent" };
    const isDisabledHere = this.#disabled.size > 0 && this.#disabled.get(webhook) === value.version;
    return { kind: "present", webhook: value.entry, version: value.version, isDisabledHere };
  }

  isPayloadDeleted(org: OrgId, event: EventId): boolean {
    return this.#deletedPayloads.size > 0 && this.#deletedPayloads.get(event)?.orgId === org;
  }

  /** False when this version was judged before. */
  disable(webhook: WebhookId, version: number): boolean {
    if ((this.#disabled.get(webhook) ?? -1) >= version) return false;
    this.#disabled.set(webhook, version);
    return true;
  }

  #applyTo(entries: Map<string, Held>, id: string, next: Held): void {
    const held = entries.get(id);
    if (held !== undefined && held.value.version > next.value.version) return;
    entries.set(id, next);
    if ((this.#disabled.get(id) ?? next.value.version) < next.value.version) this.#disabled.delete(id);
  }
}
