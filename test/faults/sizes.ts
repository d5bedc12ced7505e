/** Fault tests have a short size for every run, and a full one that takes minutes: `POSTHORN_TEST_FULL=1`. */

export const isFull = process.env.POSTHORN_TEST_FULL === "1";

export function sized({ short, full }: { readonly short: number; readonly full: number }): number {
  return isFull ? full : short;
}
