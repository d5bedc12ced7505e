/**
 * Counts what an evaluation costs, in units that depend on expression and data alone: the same filter on the same
 * event comes to the same end on every machine, however busy it is.
 */

import { isCelList, isCelMap } from "@bufbuild/cel";
import { FILTER_COST_MAX } from "./limits.ts";

/** So much text is compared, or copied, in the time of a unit. */
const CHARACTERS_PER_UNIT = 256;
/** Counting code points makes an array of them. */
const CODE_POINTS_PER_UNIT = 8;
/** Steps of a search for a text in a text, at its worst. */
const SEARCH_STEPS_PER_UNIT = 256;
/** Reading a number, a time or a duration from text. */
const UNITS_PER_CONVERSION = 10;

export class CostMeter {
  #left = 0;
  #dataNodes = 0;

  /** Begins an evaluation on data of so many values. */
  begin(dataNodes: number): void {
    this.#left = FILTER_COST_MAX;
    this.#dataNodes = dataNodes;
  }

  get isExhausted(): boolean {
    return this.#left < 0;
  }

  /** False when the cost is used up: loops end there, so that an evaluation is over soon after. */
  takes(units: number): boolean {
    this.#left -= units;
    return this.#left >= 0;
  }

  /** Throws when the cost is used up, which makes the value an error. */
  charge(units: number): void {
    if (!this.takes(units)) throw new Error("it costs too much");
  }

  chargeText(text: string): void {
    this.charge(text.length / CHARACTERS_PER_UNIT);
  }

  chargeCodePoints(text: string): void {
    this.charge(text.length / CODE_POINTS_PER_UNIT);
  }

  chargeSearch(text: string, part: string): void {
    this.charge((text.length * Math.max(1, part.length)) / SEARCH_STEPS_PER_UNIT);
  }

  chargeConversion(): void {
    this.charge(UNITS_PER_CONVERSION);
  }

  /** For what compares all that is in a value: of lists and maps it is not known how much that is, so all is taken. */
  chargeWhole(value: unknown): void {
    if (typeof value === "string") this.chargeText(value);
    else if (isCelList(value) || isCelMap(value)) this.charge(this.#dataNodes);
  }

  /** For what visits the members of a value, but not what is in them. */
  chargeMembers(value: unknown): void {
    if (isCelList(value) || isCelMap(value)) this.charge(value.size);
  }

  /** A map is searched for a number from its first key to its last; a list is not. */
  chargeKeys(value: unknown): void {
    if (isCelMap(value)) this.charge(value.size);
  }
}
