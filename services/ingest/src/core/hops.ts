/** How many deliveries led to an event, as its publisher says: whoever publishes what it received hands the header on. */

import { HOPS_HEADER } from "@posthorn/domain";
import { type Checked, refused, sound } from "./refusals.ts";

const HOPS = /^\d{1,6}$/;

/** @param header undefined when there is none: nothing led to the event. */
export function parseHops(header: string | undefined): Checked<number> {
  if (header === undefined) return sound(0);
  if (HOPS.test(header)) return sound(Number(header));
  const message = "must be a whole number from 0 to 999999";
  return refused("invalid_hops", `The header ${HOPS_HEADER} ${message}.`, [{ path: HOPS_HEADER, message }]);
}
