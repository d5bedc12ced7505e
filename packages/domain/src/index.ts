/** The rules of delivery. Everything here is pure: no I/O, no clock, no randomness. */

import * as limits from "./limits.ts";

export type {
  ApiKeyConfig,
  ConfigEntry,
  ConfigValue,
  EventTypeConfig,
  OrganisationConfig,
  PayloadDeletionConfig,
  Scope,
  SealedSecret,
  WebhookConfig,
} from "./configuration/configuration.ts";
export { parseScope, SCOPES, signingSecrets } from "./configuration/configuration.ts";
export { createNewestValues, type NewestValues } from "./configuration/newest-values.ts";
export type { DeliveryCommand, DeliveryIdentity, DeliveryStart } from "./delivery/decide.ts";
export { decide } from "./delivery/decide.ts";
export type {
  AttemptFacts,
  AttemptFailed,
  AttemptRecord,
  AttemptSucceeded,
  CircuitClosed,
  CircuitOpened,
  ConfigurationChanged,
  DeliveryEvent,
  DeliveryFact,
  DeliveryOrder,
  DeliveryOrigin,
  DeliveryRetried,
  EventFacts,
  EventUnmatched,
  FactOf,
  Header,
  LogEvent,
  LogFact,
  OrganisationEvent,
  ReplayFinished,
  ReplayProgress,
  ReplayProgressed,
  ReplayStarted,
  WebhookDisabled,
} from "./delivery/delivery-event.ts";
export { logEventId } from "./delivery/delivery-event.ts";
export type { DeliveryState, DeliveryStatus, LastAttempt, Progress } from "./delivery/delivery-state.ts";
export { DELIVERY_STATUSES, isFinal, stateOfWork, UNKNOWN_DELIVERY } from "./delivery/delivery-state.ts";
export { evolve } from "./delivery/evolve.ts";
export type { AttemptOutcome, ErrorClass } from "./delivery/outcome.ts";
export { ERROR_CLASSES, outcomeOfStatus, parseErrorClass } from "./delivery/outcome.ts";
export type { CancelReason, DeferReason, DisableReason, ExhaustReason, SkipReason } from "./delivery/reasons.ts";
export {
  parseCancelReason,
  parseDeferReason,
  parseDisableReason,
  parseExhaustReason,
  parseSkipReason,
} from "./delivery/reasons.ts";
export { type KeptState, restoredState } from "./delivery/restored-state.ts";
export type { Circuit, HealthEvent, WebhookHealth } from "./delivery/webhook-health.ts";
export { evolveHealth, isCongestion, UNKNOWN_HEALTH } from "./delivery/webhook-health.ts";
export type { ReleaseTerms, WorkItem } from "./delivery/work-item.ts";
export type { AcceptedEvent, PayloadPlace } from "./events/event.ts";
export { callerIdProblem, eventTypeProblem, HOPS_HEADER, timestampProblem } from "./events/event.ts";
export type { ApiKeyId, DeliveryId, EventId, EventTypeId, OrgId, ReplayId, WebhookId } from "./ids/ids.ts";
export {
  deliveryIdOf,
  parseApiKeyId,
  parseDeliveryId,
  parseEventId,
  parseEventTypeId,
  parseOrgId,
  parseReplayId,
  parseWebhookId,
  replayedDeliveryIdOf,
  uuidv5,
  uuidv7,
  uuidv7TimeMs,
  workBundleIdOf,
  workIdOf,
} from "./ids/ids.ts";
export { ALL_PARTITIONS, PARTITIONS, partitionOf } from "./ids/partition.ts";
export { arrayElements, findDuplicateMember, type JsonMember, topLevelMembers } from "./json/json-scan.ts";
export { maskHeaders } from "./masking/mask-headers.ts";
export { maskUrl } from "./masking/mask-url.ts";
export type { EvaluateFilter, FilterVerdict, Match, MatchRules } from "./matching/explain-match.ts";
export { explainMatch, matchByRules } from "./matching/explain-match.ts";
export { isOperationalType, patternMatches, patternProblem } from "./patterns/pattern.ts";
export { PatternIndex } from "./patterns/pattern-index.ts";
export type { LegacySignature, Profile, ProfileName } from "./profiles/profile.ts";
export { PROFILE_NAMES, parseProfileName, profileOf } from "./profiles/profile.ts";
export { type BodyOrder, type RenderedBody, renderBody } from "./profiles/render-body.ts";
export { type RetryPolicy, retryPolicyOf } from "./retry/retry-policy.ts";
export { limits };
