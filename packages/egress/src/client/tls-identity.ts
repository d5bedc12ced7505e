/**
 * TLS as this client speaks it: version 1.2 or later, always verified. Tickets of earlier sessions are kept by origin,
 * so that a new socket to a known receiver skips most of the handshake's work.
 */

import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { ExpiringMap } from "../expiring-map.ts";

/** A ticket holds 2-4 KiB. */
const TICKETS_MAX = 1_000;
const TICKET_TTL_MS = 3_600_000;

export class TlsIdentity {
  /** Shared by all sockets: building one reads every trusted authority. */
  readonly context: SecureContext;
  readonly #tickets = new ExpiringMap<Buffer>(TICKETS_MAX);
  readonly #nowMs: () => number;

  /** @param extraCa PEM of authorities that are trusted besides the usual ones. */
  constructor(extraCa: readonly string[], nowMs: () => number) {
    const trust = extraCa.length === 0 ? {} : { ca: [...getCACertificates("default"), ...extraCa] };
    this.context = createSecureContext({ minVersion: "TLSv1.2", ...trust });
    this.#nowMs = nowMs;
  }

  ticketFor(origin: string): Buffer | undefined {
    return this.#tickets.get(origin, this.#nowMs());
  }

  /** Node reports tickets of verified sessions only. */
  keepTicket(origin: string, ticket: Buffer): void {
    this.#tickets.set(origin, ticket, this.#nowMs() + TICKET_TTL_MS);
  }
}
