/** The values of `format` that are checked, each in time that is linear in the text. */

import { isIPv4, isIPv6 } from "node:net";
import { timestampProblem } from "@posthorn/domain";
import { FORMATTED_LENGTH_MAX } from "./limits.ts";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** One "@" with something that is no space before it, and a name with a dot behind it. */
const EMAIL = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/;

export const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": short((text) => timestampProblem(text) === undefined),
  date: short((text) => DATE.test(text) && timestampProblem(`${text}T00:00:00Z`) === undefined),
  uuid: short((text) => UUID.test(text)),
  email: short((text) => EMAIL.test(text)),
  uri: short((text) => URL.canParse(text)),
  ipv4: short(isIPv4),
  ipv6: short(isIPv6),
};

function short(isSound: (text: string) => boolean): (text: string) => boolean {
  return (text) => text.length <= FORMATTED_LENGTH_MAX && isSound(text);
}
