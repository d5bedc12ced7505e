/** Moments as every answer writes them: RFC 3339, UTC, milliseconds, `Z`. */

export function instant(atMs: number): string {
  return new Date(atMs).toISOString();
}

export function instantOrNull(atMs: number | undefined): string | null {
  return atMs === undefined ? null : instant(atMs);
}
