/**
 * Counts what a validation costs, in units that depend on schema and data alone. It is asked deep inside the
 * validator's generated code, so what is too much is thrown out of it.
 */

import { VALIDATION_COST_MAX } from "./limits.ts";

export class CostError extends Error {
  override readonly name = "CostError";
}

export class ValidationMeter {
  #left = 0;

  /** Begins the validation of an event. */
  begin(): void {
    this.#left = VALIDATION_COST_MAX;
  }

  charge(units: number): void {
    this.#left -= units;
    if (this.#left < 0) throw new CostError("checking it against the schema costs too much");
  }
}
