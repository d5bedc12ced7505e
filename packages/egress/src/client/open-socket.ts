/**
 * Opens a socket to a target, and only to addresses that were checked for this very socket: a name is resolved, every
 * address of the answer judged, and the connection pinned to them, so that no second look-up can rebind it. SNI and
 * the name in the certificate stay those of the URL.
 */

import { connect, isIP, type LookupFunction, type Socket, type TcpNetConnectOpts } from "node:net";
import { connect as connectTls } from "node:tls";
import { isSameAddress } from "../address/address.ts";
import type { Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { areAddressesPermitted } from "../target/permitted-addresses.ts";
import type { TargetUrl } from "../target/target-url.ts";
import type { ConnectFailure } from "./failure.ts";
import type { TlsIdentity } from "./tls-identity.ts";

export interface SocketSettings {
  readonly policy: EgressPolicy;
  readonly resolver: Resolver;
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
  const resolution =
    host.kind === "address"
      ? { kind: "resolved" as const, addresses: [host.address] }
      : await settings.resolver.resolve(host.name);
  if (resolution.kind === "unresolved") return failed({ stage: "resolve", reason: resolution.reason });
  if (!areAddressesPermitted(host, resolution.addresses, settings.policy)) return failed({ stage: "guard" });

  const addresses = resolution.addresses.slice(0, ADDRESSES_TRIED_MAX);
  const outcome = await connectTo(target, addresses, settings, signal);
  if (outcome.kind === "failed") return outcome;
  const { remoteAddress } = outcome.socket;
  if (remoteAddress !== undefined && addresses.some((address) => isSameAddress(address, remoteAddress))) return outcome;
  outcome.socket.destroy();
  return failed(remoteAddress === undefined ? { stage: "connect", code: "ECONNRESET" } : { stage: "guard" });
}

function connectTo(
  target: TargetUrl,
  addresses: readonly string[],
  settings: SocketSettings,
  signal: AbortSignal,
): Promise<SocketOutcome> {
  const socket = startSocket(target, addresses, settings, signal);
  return new Promise((resolve) => {
    let stage: "connect" | "tls" = "connect";
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
  if (!target.isTls) return connect(tcp);

  const session = settings.tls.ticketFor(target.origin);
  const socket = connectTls({
    ...tcp,
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
