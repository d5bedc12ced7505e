/**
 * CEL's standard functions, with those whose cost grows with the data replaced by ones that charge a meter first. The
 * functions that begin with `@` cannot be written in a filter: `meter-expression.ts` puts them in.
 */

import {
  type CelEnv,
  type CelFunc,
  CelScalar,
  celEnv,
  celFunc,
  celList,
  celMethod,
  isCelList,
  isCelMap,
  listType,
} from "@bufbuild/cel";
import type { CostMeter } from "./cost-meter.ts";

const { BOOL, DYN, INT, STRING } = CelScalar;
const LIST = listType(DYN);

/** Texts that are read as a number, a time or a duration have no more characters: reading is not linear. */
const CONVERTED_TEXT_LENGTH_MAX = 64;

export const STEP = "@step";
export const RANGE = "@range";
export const WHOLE = "@whole";
export const MEMBERS = "@members";
export const KEYS = "@keys";
export const SHORT = "@short";

export function meteredEnvironment(meter: CostMeter): CelEnv {
  return celEnv({ funcs: [...inserted(meter), ...onText(meter), ...sums(meter)] });
}

function inserted(meter: CostMeter): CelFunc[] {
  const nothing = celList([]);
  return [
    celFunc(STEP, [INT], BOOL, (units) => meter.takes(Number(units))),
    celFunc(RANGE, [DYN], DYN, (value) => {
      if (isCelList(value) || isCelMap(value)) return meter.takes(value.size) ? value : nothing;
      return value;
    }),
    celFunc(WHOLE, [DYN], DYN, (value) => {
      meter.chargeWhole(value);
      return value;
    }),
    celFunc(MEMBERS, [DYN], DYN, (value) => {
      meter.chargeMembers(value);
      return value;
    }),
    celFunc(KEYS, [DYN], DYN, (value) => {
      meter.chargeKeys(value);
      return value;
    }),
    celFunc(SHORT, [DYN], DYN, (value) => {
      meter.chargeConversion();
      if (typeof value === "string" && value.length > CONVERTED_TEXT_LENGTH_MAX) {
        throw new Error(`a text of more than ${CONVERTED_TEXT_LENGTH_MAX} characters cannot be converted`);
      }
      return value;
    }),
  ];
}

function onText(meter: CostMeter): CelFunc[] {
  const compared = (name: string, holds: (left: string, right: string) => boolean): CelFunc =>
    celFunc(name, [STRING, STRING], BOOL, (left, right) => {
      meter.chargeText(left);
      meter.chargeText(right);
      return holds(left, right);
    });
  const size = (text: string): bigint => {
    meter.chargeCodePoints(text);
    return BigInt([...text].length);
  };
  return [
    compared("_<_", (left, right) => left < right),
    compared("_<=_", (left, right) => left <= right),
    compared("_>_", (left, right) => left > right),
    compared("_>=_", (left, right) => left >= right),
    celFunc("size", [STRING], INT, size),
    celMethod("size", STRING, [], INT, function sizeOf() {
      return size(this);
    }),
    celMethod("contains", STRING, [STRING], BOOL, function contains(part) {
      meter.chargeSearch(this, part);
      return this.includes(part);
    }),
    celMethod("startsWith", STRING, [STRING], BOOL, function startsWith(part) {
      meter.chargeText(part);
      return this.startsWith(part);
    }),
    celMethod("endsWith", STRING, [STRING], BOOL, function endsWith(part) {
      meter.chargeText(part);
      return this.endsWith(part);
    }),
  ];
}

function sums(meter: CostMeter): CelFunc[] {
  return [
    celFunc("_+_", [STRING, STRING], STRING, (left, right) => {
      meter.chargeText(left);
      meter.chargeText(right);
      return left + right;
    }),
    // The library keeps a sum of lists as a chain, which takes longer to walk the longer the chain is.
    celFunc("_+_", [LIST, LIST], LIST, () => {
      throw new Error("lists cannot be added in a filter");
    }),
  ];
}
