/** Receivers that misbehave at will: raw sockets that see each request as text and answer with whatever bytes. */

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { parseCidrList } from "../address/cidr.ts";
import type { Resolution, Resolver } from "../dns/resolver.ts";
import type { EgressPolicy } from "../egress-policy.ts";
import { parseTargetUrl, type TargetUrl } from "../target/target-url.ts";

export interface ReceiverBehaviour {
  /** Called for each complete request; `ordinal` counts those of the socket from 1. */
  readonly onRequest?: (socket: Socket, ordinal: number) => void;
  readonly onConnection?: (socket: Socket) => void;
  readonly tls?: TlsOptions;
  /** 127.0.0.1 when absent. */
  readonly address?: string;
  /** Any free one when absent. */
  readonly port?: number;
  /** False: forgets requests and closed sockets, for those that get very many. */
  readonly remembers?: boolean;
}

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** Complete requests, as text, in order of arrival. */
  readonly requests: readonly string[];
  readonly sockets: readonly Socket[];
}

export const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

export async function startReceiver(behaviour: ReceiverBehaviour = {}): Promise<Receiver> {
  const { onRequest = (socket) => socket.write(OK), onConnection, remembers = true } = behaviour;
  const requests: string[] = [];
  const sockets: Socket[] = [];

  function remember(socket: Socket): void {
    sockets.push(socket.on("error", () => {}));
    if (!remembers) socket.on("close", () => sockets.splice(sockets.indexOf(socket), 1));
  }

  function serve(socket: Socket): void {
    let buffered = "";
    let ordinal = 0;
    socket.on("error", () => {});
    onConnection?.(socket);
    socket.on("data", (chunk) => {
      buffered += chunk.toString("latin1");
      for (let end = requestEnd(buffered); end !== undefined; end = requestEnd(buffered)) {
        if (remembers) requests.push(buffered.slice(0, end));
        buffered = buffered.slice(end);
        ordinal += 1;
        onRequest(socket, ordinal);
      }
    });
  }

  const server: Server = behaviour.tls ? createTlsServer(behaviour.tls, serve) : createServer(serve);
  // Every raw socket, so that those in a failed handshake are closed as well.
  server.on("connection", remember);
  server.on("tlsClientError", () => {});
  server.listen(behaviour.port ?? 0, behaviour.address ?? "127.0.0.1");
  await once(server, "listening");
  return {
    port: portOf(server),
    requests,
    sockets,
    async [Symbol.asyncDispose]() {
      for (const socket of [...sockets]) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Writes `piece` again and again until the socket is gone. */
export function drip(socket: Socket, piece: string | Buffer, everyMs: number): void {
  const timer = setInterval(() => socket.write(piece), everyMs);
  socket.on("close", () => clearInterval(timer));
}

/** Writes as fast as the other side reads. */
export function flood(socket: Socket, piece: string | Buffer): void {
  while (!socket.destroyed && socket.write(piece));
  if (!socket.destroyed) socket.once("drain", () => flood(socket, piece));
}

/** Writes the beginning of an answer. */
export function started(socket: Socket, head: string | Buffer): Socket {
  socket.write(head);
  return socket;
}

/** A port on which nothing listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const port = portOf(server);
  server.close();
  await once(server, "close");
  return port;
}

export function policyAllowing(cidrList: string): EgressPolicy {
  const parsed = parseCidrList(cidrList);
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return { allowHttp: true, allowedTargets: parsed.cidrs };
}

export function targetUrl(text: string, policy: EgressPolicy): TargetUrl {
  const parsed = parseTargetUrl(text, policy);
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return parsed.url;
}

/** Answers each name with its addresses, whatever the name when there is only `*`; no name has none. */
export function resolverOf(addressesOf: (name: string) => readonly string[]): Resolver {
  return {
    async resolve(name): Promise<Resolution> {
      const addresses = addressesOf(name);
      return addresses.length > 0 ? { kind: "resolved", addresses } : { kind: "unresolved", reason: "not_found" };
    },
  };
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

/** Where the first request in the text ends; undefined while it is incomplete. */
function requestEnd(text: string): number | undefined {
  const headersEnd = text.indexOf("\r\n\r\n");
  if (headersEnd === -1) return undefined;
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, headersEnd))?.[1] ?? 0);
  const end = headersEnd + 4 + length;
  return text.length >= end ? end : undefined;
}
