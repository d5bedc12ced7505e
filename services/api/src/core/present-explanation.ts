/** Says of one webhook whether it would get an event, and if not, why: by the very rules that the matcher has. */

import { type EvaluateFilter, explainMatch, type Match, type MatchRules, maskUrl } from "@posthorn/domain";

/** `no_data`: there is a filter to ask, but no data to ask it about. */
export const MISS_REASONS = [
  "no_pattern",
  "filter",
  "filter_error",
  "no_data",
  "loop",
  "webhook_inactive",
  "webhook_disabled",
] as const;
type MissReason = (typeof MISS_REASONS)[number];

export type ExplainedWebhook = MatchRules & {
  readonly id: string;
  readonly url: string;
  readonly patterns: readonly string[];
  /** Set when the engine took it out of service. */
  readonly disabledReason: string | undefined;
};

export type ExplainedEvent = { readonly type: string; readonly hops: number };

/** @param evaluate undefined: there is no data that a filter could be asked about. */
export function presentExplanation(
  webhook: ExplainedWebhook,
  event: ExplainedEvent,
  evaluate: EvaluateFilter | undefined,
) {
  const match = explainMatch(webhook, event, evaluate ?? NOT_EVALUATED);
  const isUnasked = evaluate === undefined && match.kind === "passed_over" && match.reason === "filter_error";
  const reason = isUnasked ? "no_data" : missReason(match, webhook);
  const detail = match.kind === "passed_over" && match.reason === "filter_error" ? match.message : undefined;
  return {
    webhook_id: webhook.id,
    url: maskUrl(webhook.url),
    would_deliver: reason === undefined,
    reason: reason ?? null,
    detail: detail ?? null,
  };
}

function missReason(match: Match, { disabledReason }: ExplainedWebhook): MissReason | undefined {
  if (match.kind === "passed_over") return match.reason;
  if (match.start.kind !== "skip") return undefined;
  const isDisabled = match.start.reason === "webhook_inactive" && disabledReason !== undefined;
  return isDisabled ? "webhook_disabled" : match.start.reason;
}

const NOT_EVALUATED: EvaluateFilter = () => ({ kind: "error", message: "there is no data to ask the filter about" });
