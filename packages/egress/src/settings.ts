/** The settings of the guard: the same for who checks a webhook's URL and for who calls it. */

import { flag, list, type Setting, type SettingsOf } from "@posthorn/service-runtime";
import { type Cidr, parseCidrList } from "./address/cidr.ts";
import type { EgressPolicy } from "./egress-policy.ts";
import { type EgressProxy, parseEgressProxy } from "./egress-proxy.ts";

const cidr = {
  allowed: 'an address range such as "10.0.0.0/8"',
  accepts: (item: string) => parseCidrList(item).kind === "ok",
};

export const egressSettings = {
  allowHttp: flag("POSTHORN_ALLOW_HTTP", false),
  /** Ranges exempt from every address, name and port rule. */
  allowedTargets: list("POSTHORN_ALLOWED_TARGETS", [], cidr),
  /** Public ranges that are not to be called all the same, such as the operator's own. */
  deniedTargets: list("POSTHORN_DENIED_TARGETS", [], cidr),
  /** On networks with DNS64: judge an address in `64:ff9b::/96` by the IPv4 address in it. */
  judgesNat64ByIpv4: flag("POSTHORN_NAT64", false),
  /** The machine's own when empty. */
  dnsServers: list("POSTHORN_DNS_SERVERS", []),
};

/** The way out of requests to receivers; directly when undefined. May hold a password. */
export const egressProxySetting: Setting<EgressProxy | undefined> = {
  variable: "POSTHORN_EGRESS_PROXY",
  allowed: 'the URL of an HTTP proxy such as "http://proxy.internal:4750"',
  showText: () => "***",
  showValue: (proxy) => proxy?.origin,
  read: (given) => {
    if (given === undefined) return { kind: "value", value: undefined };
    const parsed = parseEgressProxy(given);
    return parsed.kind === "ok" ? { kind: "value", value: parsed.proxy } : { kind: "refused" };
  },
};

export function egressPolicyOf(settings: Omit<SettingsOf<typeof egressSettings>, "dnsServers">): EgressPolicy {
  const { allowHttp, allowedTargets, deniedTargets, judgesNat64ByIpv4 } = settings;
  return {
    allowHttp,
    allowedTargets: cidrsOf(allowedTargets),
    deniedTargets: cidrsOf(deniedTargets),
    judgesNat64ByIpv4,
  };
}

/** The settings' own kind has let nothing through that cannot be parsed. */
function cidrsOf(texts: readonly string[]): readonly Cidr[] {
  const parsed = parseCidrList(texts.join(","));
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return parsed.cidrs;
}
