/** Which webhooks take deliveries, as far as the configuration bucket says. */

import type { ConfigValue, OrgId, WebhookId } from "@posthorn/domain";

export class WebhookStates {
  readonly #seen = new Map<string, { readonly version: number; readonly isPaused: boolean }>();

  /** @param key as in the bucket; other kinds are passed over. */
  apply(key: string, value: ConfigValue): void {
    if (!key.startsWith("webhook.") || (this.#seen.get(key)?.version ?? 0) > value.version) return;
    const isPaused = value.kind === "present" && value.entry.kind === "webhook" && !value.entry.isActive;
    this.#seen.set(key, { version: value.version, isPaused });
  }

  clear(): void {
    this.#seen.clear();
  }

  /** A deleted webhook is not paused: the dispatcher cancels what is released to it. */
  isPaused(org: OrgId, webhook: WebhookId): boolean {
    return this.#seen.get(`webhook.${org}.${webhook}`)?.isPaused === true;
  }
}
