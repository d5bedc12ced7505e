/** Reads a `Retry-After` header (RFC 9110: seconds, or one of three date formats). */

import { RETRY_AFTER_MS_MAX, RETRY_AFTER_MS_MIN } from "../limits.ts";

const SECONDS = /^\d+$/;
const HTTP_DATE = /^(Mon|Tues?|Wed(nes)?|Thu(rs)?|Fri|Sat(ur)?|Sun)(day)?,? .*\d{2}:\d{2}:\d{2}/;

/**
 * The delay in milliseconds from `nowMs`, clamped to 1 s - 24 h; undefined when the text is neither form.
 * A date in the past means the shortest delay.
 */
export function parseRetryAfterMs(text: string, nowMs: number): number | undefined {
  const trimmed = text.trim();
  if (SECONDS.test(trimmed)) return clamp(Number(trimmed) * 1_000);
  if (!HTTP_DATE.test(trimmed)) return undefined;
  const at = Date.parse(/GMT|UTC/.test(trimmed) ? trimmed : `${trimmed} GMT`);
  return Number.isNaN(at) ? undefined : clamp(at - nowMs);
}

function clamp(delayMs: number): number {
  return Math.min(Math.max(delayMs, RETRY_AFTER_MS_MIN), RETRY_AFTER_MS_MAX);
}
