/** Every limit that a receiver meets. Defaults suit one process among a handful on a machine. */

import { limits } from "@posthorn/domain";

export interface EgressLimits {
  /**
   * Sockets to one origin (scheme, host, port), whatever the number of webhooks that share it. One webhook gets no more
   * than are left free (half of them, when it is alone), so that a hanging one leaves room for its neighbours.
   */
  readonly connectionsPerOriginMax: number;
  /**
   * Sockets altogether, idle ones included. An idle socket holds some 50 KiB, with TLS some 100 KiB. Together with the
   * answers of name servers (10,000) and TLS tickets (1,000) that are kept, this is all that grows with the number of
   * hosts: for 100,000 of them, one after the other over plain HTTP, the heap stays below 40 MiB and the process below
   * 410 MiB, 300 more than at its start; both are flat from the 40,000th on.
   */
  readonly connectionsMax: number;
  /** An idle socket is closed after this time, or after the shorter one that the receiver announces. */
  readonly keepAliveTimeoutMs: number;
  /** A busy socket is closed at this age, so that a changed DNS answer reaches it too. */
  readonly connectionAgeMsMax: number;
  /** TCP and TLS together, within the deadline of the attempt. With an egress proxy: the tunnel, and then TLS. */
  readonly connectTimeoutMs: number;
  readonly responseHeaderBytesMax: number;
  readonly responseHeadersKeptMax: number;
  /** Reading stops here; the outcome is decided by the status. */
  readonly responseBodyBytesReadMax: number;
  readonly responseBodyBytesKeptMax: number;
  /** From the end of the headers, within the deadline of the attempt: a body that drips holds a socket no longer. */
  readonly responseBodyMsMax: number;
  /** Everything on the wire, for what the finer limits do not see: chunk extensions, endless reason phrases. */
  readonly responseBytesMax: number;
  /** 1xx answers before the final one. */
  readonly interimResponsesMax: number;
  /** A reused socket that breaks later than this after the request was sent had time to deliver it. */
  readonly keepAliveRaceMsMax: number;
}

export const EGRESS_LIMITS: EgressLimits = {
  connectionsPerOriginMax: 128,
  connectionsMax: 2_048,
  keepAliveTimeoutMs: 10_000,
  connectionAgeMsMax: 300_000,
  connectTimeoutMs: 10_000,
  responseHeaderBytesMax: 16 * 1024,
  responseHeadersKeptMax: 100,
  responseBodyBytesReadMax: 64 * 1024,
  responseBodyBytesKeptMax: limits.RESPONSE_BODY_KEPT_BYTES_MAX,
  responseBodyMsMax: 5_000,
  responseBytesMax: 128 * 1024,
  interimResponsesMax: 10,
  keepAliveRaceMsMax: 1_000,
};

/** The longest total deadline of one attempt. A greater number is most likely a moment given as a duration. */
export const DEADLINE_MS_MAX = 120_000;
