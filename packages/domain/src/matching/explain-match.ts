/**
 * What becomes of an event at a webhook. The matcher delivers by these rules and the api explains by them, so that the
 * two cannot disagree. The matcher finds the webhooks whose patterns match by `PatternIndex`, which answers as
 * `patternMatches` does, and asks `matchByRules` alone.
 */

import type { WebhookConfig } from "../configuration/configuration.ts";
import type { DeliveryStart } from "../delivery/decide.ts";
import type { AcceptedEvent } from "../events/event.ts";
import { HOPS_MAX } from "../limits.ts";
import { patternMatches } from "../patterns/pattern.ts";

/** What decides besides the patterns. */
export type MatchRules = Pick<WebhookConfig, "filter" | "isActive" | "rateLimit" | "ordered">;

/** What a filter says of an event. Whoever has the data at hand evaluates it. */
export type FilterVerdict =
  | { readonly kind: "passes" }
  | { readonly kind: "fails" }
  /** Neither: something is missing or of another type, or it costs too much. The message may quote `data`. */
  | { readonly kind: "error"; readonly message: string };

export type EvaluateFilter = (filter: string) => FilterVerdict;

export type Match =
  /** A delivery comes into being. */
  | { readonly kind: "matches"; readonly start: DeliveryStart }
  | { readonly kind: "passed_over"; readonly reason: "no_pattern" | "filter" }
  /** A filter that says neither yes nor no lets nothing through. */
  | { readonly kind: "passed_over"; readonly reason: "filter_error"; readonly message: string };

type Explained = Pick<AcceptedEvent, "type" | "hops">;

export function explainMatch(
  webhook: MatchRules & Pick<WebhookConfig, "patterns">,
  event: Explained,
  evaluate: EvaluateFilter,
): Match {
  if (!webhook.patterns.some((pattern) => patternMatches(pattern, event.type))) return NO_PATTERN;
  return matchByRules(webhook, event, evaluate);
}

/** Of a webhook one of whose patterns matches. */
export function matchByRules(rules: MatchRules, { hops }: Pick<Explained, "hops">, evaluate: EvaluateFilter): Match {
  if (rules.filter !== undefined) {
    const verdict = evaluate(rules.filter);
    if (verdict.kind === "fails") return FILTERED;
    if (verdict.kind === "error") return { kind: "passed_over", reason: "filter_error", message: verdict.message };
  }
  if (hops >= HOPS_MAX) return LOOP;
  if (!rules.isActive) return INACTIVE;
  if (rules.ordered) return ORDERED;
  return rules.rateLimit === undefined ? QUEUED : RATE_LIMITED;
}

const NO_PATTERN: Match = { kind: "passed_over", reason: "no_pattern" };
const FILTERED: Match = { kind: "passed_over", reason: "filter" };
const LOOP: Match = { kind: "matches", start: { kind: "skip", reason: "loop" } };
const INACTIVE: Match = { kind: "matches", start: { kind: "skip", reason: "webhook_inactive" } };
const ORDERED: Match = { kind: "matches", start: { kind: "hold", reason: "ordered" } };
const RATE_LIMITED: Match = { kind: "matches", start: { kind: "hold", reason: "rate_limited" } };
const QUEUED: Match = { kind: "matches", start: { kind: "queue" } };
