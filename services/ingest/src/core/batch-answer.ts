/** What a batch as a whole is told when none of its events was accepted. */

import { isMomentary, type Refusal, type Refused, refusalAt, refused } from "./refusals.ts";

/**
 * The refusal of a batch without a single accepted event: that of the moment when one event met it, because then the
 * batch is worth repeating as it is; else everything that is wrong with its events.
 */
export function batchRefusal(refusals: readonly Refusal[]): Refused {
  const passing = refusals.find(({ code }) => isMomentary(code));
  if (passing !== undefined) return { kind: "refused", refusal: { ...passing, errors: [] } };
  const errors = refusals.flatMap((refusal, index) => refusalAt(`/events/${index}`, refusal).errors);
  return refused("invalid_batch", "None of the events could be accepted.", errors);
}
