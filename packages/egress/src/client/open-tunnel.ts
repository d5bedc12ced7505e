/**
 * Opens a connection through the operator's egress proxy by HTTP CONNECT. The proxy is asked for the address that was
 * checked, never for a name, so that it has nothing to resolve and rebinding finds no second look-up here either.
 */

import { isIPv6, Socket } from "node:net";
import { Client } from "undici";
import type { EgressProxy } from "../egress-proxy.ts";

export type TunnelOutcome =
  | { readonly kind: "open"; readonly socket: Socket }
  /** The proxy's status, or the code of what kept the proxy from being asked. */
  | { readonly kind: "failed"; readonly code: string };

/** A proxy has nothing to say but its status. */
const HEADER_BYTES_MAX = 16 * 1024;

/** Aborting `signal` ends the attempt; a tunnel that is open is its owner's. */
export async function openTunnel(
  proxy: EgressProxy,
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<TunnelOutcome> {
  const client = new Client(proxy.origin, { maxHeaderSize: HEADER_BYTES_MAX });
  const path = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const headers = proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization };
  try {
    const { statusCode, socket } = await client.connect({ path, headers, signal });
    // It may break before anybody listens.
    socket.on("error", () => {});
    if (statusCode === 200 && socket instanceof Socket) return { kind: "open", socket };
    socket.destroy();
    return { kind: "failed", code: String(statusCode) };
  } catch (error) {
    return { kind: "failed", code: error instanceof Error && "code" in error ? String(error.code) : String(error) };
  } finally {
    // An open tunnel has left the client by now.
    client.destroy().catch(() => {});
  }
}
