/** A line of the audit as JSON. */

import { instant } from "./instant.ts";

/** What a change can be about. */
export type AuditSubject = "organisation" | "api-key" | "webhook" | "event-type" | "event" | "delivery" | "replay";

export type AuditEntry = {
  readonly id: string;
  readonly createdAtMs: number;
  readonly actor: string;
  readonly action: string;
  readonly subjectKind: string;
  readonly subjectId: string;
  readonly fields: readonly string[];
  readonly requestId: string;
};

export function presentAuditEntry(entry: AuditEntry) {
  return {
    id: entry.id,
    at: instant(entry.createdAtMs),
    actor: entry.actor,
    action: entry.action,
    subject_kind: entry.subjectKind,
    subject_id: entry.subjectId,
    fields: [...entry.fields],
    request_id: entry.requestId,
  };
}
