/**
 * Opens a socket to a target, and only to addresses that were checked for this very socket: a name is resolved, every
 * address of the answer judged, and the connection pinned to them, so that no second look-up can rebind it. SNI and
 * the name in the certificate stay those of the URL.
 */

import { connect, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { isSameAddress } from "../address/address.ts";
import type { Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import type { EgressProxy } from "../egress-proxy.ts";
import type { IsOwnAddress } from "../target/own-addresses.ts";
import { areAddressesPermitted, mayBePermitted } from "../target/permitted-addresses.ts";
import type { TargetUrl } from "../target/target-url.ts";
import type { ConnectFailure } from "./failure.ts";
import { openTunnel } from "./open-tunnel.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export interface SocketSettings {
  readonly policy: EgressPolicy;
  readonly resolver: Resolver;
  readonly isOwnAddress: IsOwnAddress;
  readonly proxy: EgressProxy | undefined;
  readonly connectTimeoutMs: number;
  readonly tls: TlsIdentity;
}

export type SocketOutcome =
  | { readonly kind: "open"; readonly socket: Socket }
  | { readonly kind: "failed"; readonly failure: ConnectFailure };

/** Of an answer with many addresses, as many are tried, one after the other. */
const ADDRESSES_TRIED_MAX = 4;
/** An address that is silent for so long makes room for the next; enough for one lost SYN. */
const ADDRESS_TIMEOUT_MS = 2_000;

/** Aborting `signal` destroys the socket that is being opened. */
export async function openSocket(
  target: TargetUrl,
  settings: SocketSettings,
  signal: AbortSignal,
): Promise<SocketOutcome> {
  const { host } = target;
  // An internal name is not even asked for: whether it exists would show in the time that the answer takes.
  if (!mayBePermitted(host, settings.policy)) return failed({ stage: "guard" });
  const resolution =
    host.kind === "address"
      ? { kind: "resolved" as const, addresses: [host.address] }
      : await settings.resolver.resolve(host.name);
  if (resolution.kind === "unresolved") return failed({ stage: "resolve", reason: resolution.reason });
  if (!areAddressesPermitted(host, resolution.addresses, settings.policy, settings.isOwnAddress)) {
    return failed({ stage: "guard" });
  }

  const addresses = resolution.addresses.slice(0, ADDRESSES_TRIED_MAX);
  if (settings.proxy !== undefined) return connectThrough(settings.proxy, target, addresses, settings, signal);
  const outcome = await connected(target, startSocket(target, addresses, settings, signal), settings, "connect");
  if (outcome.kind === "failed") return outcome;
  const { remoteAddress } = outcome.socket;
  if (remoteAddress !== undefined && addresses.some((address) => isSameAddress(address, remoteAddress))) return outcome;
  outcome.socket.destroy();
  return failed(remoteAddress === undefined ? { stage: "connect", code: "ECONNRESET" } : { stage: "guard" });
}

/** The socket's other end is the proxy, which alone can see whom it talks to. */
async function connectThrough(
  proxy: EgressProxy,
  target: TargetUrl,
  [address]: readonly string[],
  settings: SocketSettings,
  signal: AbortSignal,
): Promise<SocketOutcome> {
  if (address === undefined) return failed({ stage: "guard" });
  const isLate = AbortSignal.timeout(settings.connectTimeoutMs);
  const tunnel = await openTunnel(proxy, address, target.port, AbortSignal.any([signal, isLate]));
  if (tunnel.kind === "failed") return failed({ stage: "proxy", code: isLate.aborted ? "ETIMEDOUT" : tunnel.code });
  if (!target.isTls) return tunnel;
  signal.addEventListener("abort", () => tunnel.socket.destroy(), { once: true });
  return connected(target, startTls(target, { socket: tunnel.socket }, settings), settings, "tls");
}

/** Resolves when the socket is ready for a request, TLS included. */
function connected(
  target: TargetUrl,
  socket: Socket,
  settings: SocketSettings,
  firstStage: "connect" | "tls",
): Promise<SocketOutcome> {
  return new Promise((resolve) => {
    let stage = firstStage;
    const timer = setTimeout(() => end("ETIMEDOUT"), settings.connectTimeoutMs);

    function end(code: string): void {
      clearTimeout(timer);
      socket.destroy();
      resolve(failed({ stage, code }));
    }

    socket.once("connect", () => {
      stage = "tls";
    });
    socket.once(target.isTls ? "secureConnect" : "connect", () => {
      clearTimeout(timer);
      resolve({ kind: "open", socket });
    });
    // Stays for the socket's life: an error may come while nobody else listens yet.
    socket.on("error", (error) => end("code" in error ? String(error.code) : error.name));
  });
}

function startSocket(
  target: TargetUrl,
  addresses: readonly string[],
  settings: SocketSettings,
  signal: AbortSignal,
): Socket {
  const { host } = target;
  const lookup: LookupFunction = (_name, _options, callback) =>
    callback(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    );
  const tcp: TcpNetConnectOpts & { signal: AbortSignal } = {
    host: host.kind === "address" ? host.address : host.name,
    port: target.port,
    lookup,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS,
    noDelay: true,
    signal,
  };
  return target.isTls ? startTls(target, tcp, settings) : connect(tcp);
}

function startTls(target: TargetUrl, transport: ConnectionOptions, settings: SocketSettings): Socket {
  const { host } = target;
  const session = settings.tls.ticketFor(target.origin);
  const socket = connectTls({
    ...transport,
    // An address must not be sent as server name; the certificate is then checked against the address.
    servername: host.kind === "name" ? host.name : "",
    ALPNProtocols: ["http/1.1"],
    secureContext: settings.tls.context,
    rejectUnauthorized: true,
    ...(session === undefined ? {} : { session }),
  });
  socket.on("session", (ticket) => settings.tls.keepTicket(target.origin, ticket));
  return socket;
}

function failed(failure: ConnectFailure): SocketOutcome {
  return { kind: "failed", failure };
}
