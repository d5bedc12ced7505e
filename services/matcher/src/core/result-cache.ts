/**
 * Remembers which webhooks a type of an organisation goes to, so that a type that comes again costs one lookup. A
 * change of the organisation's webhooks moves its generation on, and what was remembered before no longer counts.
 */

import type { OrgId } from "@posthorn/domain";
import type { Subscription } from "./subscription.ts";

/** Types of one organisation; publishers that invent types without end only ever lose their own results. */
const TYPES_PER_ORGANISATION_MAX = 1_000;
/** Results and the references in them, over all organisations: some 30 MB at most. */
const PLACES_MAX = 2_000_000;

type Results = {
  readonly generation: number;
  readonly byType: Map<string, readonly Subscription[]>;
};

export class ResultCache {
  readonly #organisations = new Map<OrgId, Results>();
  #places = 0;

  get(orgId: OrgId, generation: number, type: string): readonly Subscription[] | undefined {
    const results = this.#organisations.get(orgId);
    return results?.generation === generation ? results.byType.get(type) : undefined;
  }

  put(orgId: OrgId, generation: number, type: string, subscriptions: readonly Subscription[]): void {
    this.#resultsOf(orgId, generation).byType.set(type, subscriptions);
    this.#places += 1 + subscriptions.length;
    if (this.#places > PLACES_MAX) this.clear();
  }

  clear(): void {
    this.#organisations.clear();
    this.#places = 0;
  }

  #resultsOf(orgId: OrgId, generation: number): Results {
    const held = this.#organisations.get(orgId);
    if (held?.generation === generation && held.byType.size < TYPES_PER_ORGANISATION_MAX) return held;
    for (const subscriptions of held?.byType.values() ?? []) this.#places -= 1 + subscriptions.length;
    const results: Results = { generation, byType: new Map() };
    this.#organisations.set(orgId, results);
    return results;
  }
}
