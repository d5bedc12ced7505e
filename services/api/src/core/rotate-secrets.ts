/** Which secrets sign after a rotation: the new one, and the former ones for as long as they overlap. */

import { limits, type SealedSecret } from "@posthorn/domain";

/**
 * No former secret signs for longer than the overlap: one of 0 stops them all at once.
 * @param before newest first.
 */
export function rotatedSecrets(
  before: readonly SealedSecret[],
  ciphertext: Buffer,
  { nowMs, overlapMs }: { readonly nowMs: number; readonly overlapMs: number },
): readonly SealedSecret[] {
  const endMs = nowMs + overlapMs;
  const former = before.map((secret) => ({
    ciphertext: secret.ciphertext,
    signsUntilMs: Math.min(secret.signsUntilMs ?? endMs, endMs),
  }));
  return [{ ciphertext, signsUntilMs: undefined }, ...unexpired(former, nowMs)].slice(0, limits.SIGNING_SECRETS_MAX);
}

export function unexpired(secrets: readonly SealedSecret[], nowMs: number): readonly SealedSecret[] {
  return secrets.filter(({ signsUntilMs }) => signsUntilMs === undefined || nowMs < signsUntilMs);
}
