/** The guarded HTTP client that talks to receivers, and the rules about whom it may talk to. */

export type { Cidr, ParsedCidrList } from "./address/cidr.ts";
export { parseCidrList } from "./address/cidr.ts";
export { isPublicAddress } from "./address/public-address.ts";
export type { EgressClient, EgressClientOptions, EgressStats, PostRequest } from "./client/egress-client.ts";
export { createEgressClient } from "./client/egress-client.ts";
export type { Place } from "./client/places.ts";
export type {
  BodyEnd,
  FailureClass,
  Header,
  PostAborted,
  PostFailure,
  PostResponse,
  PostResult,
  PostTiming,
} from "./client/post-result.ts";
export type { Resolution, Resolver, ResolverOptions, UnresolvedReason } from "./dns/resolver.ts";
export { createResolver } from "./dns/resolver.ts";
export type { EgressPolicy } from "./egress-policy.ts";
export type { EgressProxy, ParsedEgressProxy } from "./egress-proxy.ts";
export { parseEgressProxy } from "./egress-proxy.ts";
export type { EgressLimits } from "./limits.ts";
export { DEADLINE_MS_MAX, EGRESS_LIMITS } from "./limits.ts";
export { egressPolicyOf, egressProxySetting, egressSettings } from "./settings.ts";
export type { TargetCheck } from "./target/check-target.ts";
export { checkTarget } from "./target/check-target.ts";
export type { TargetHost } from "./target/target-host.ts";
export type { ParsedTargetUrl, TargetUrl, UrlRefusal, UrlRefusalCode } from "./target/target-url.ts";
export { parseTargetUrl } from "./target/target-url.ts";
