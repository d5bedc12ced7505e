/** The webhooks as the configuration bucket has them, each with the newest version seen. */

import type { ConfigValue, OrgId, WebhookId } from "@posthorn/domain";
import type { WebhookLookup } from "../core/plan-attempt.ts";

export class WebhookDirectory {
  readonly #values = new Map<string, ConfigValue>();

  /** @param key as in the bucket: `webhook.<org>.<id>`; other kinds are passed over. */
  apply(key: string, value: ConfigValue): void {
    if (!key.startsWith("webhook.")) return;
    const held = this.#values.get(key);
    if (held === undefined || held.version <= value.version) this.#values.set(key, value);
  }

  clear(): void {
    this.#values.clear();
  }

  get(org: OrgId, webhook: WebhookId): WebhookLookup {
    const value = this.#values.get(`webhook.${org}.${webhook}`);
    if (value === undefined) return { kind: "absent" };
    if (value.kind === "deleted") return { kind: "deleted" };
    return value.entry.kind === "webhook" ? { kind: "present", webhook: value.entry } : { kind: "absent" };
  }
}
