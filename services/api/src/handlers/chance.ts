/** Time and randomness, as handlers get them: from outside. */

import { uuidv7 } from "@posthorn/domain";

export type Chance = {
  /** Unix milliseconds. */
  readonly nowMs: () => number;
  /** Fit for secrets. */
  readonly randomBytes: (count: number) => Buffer;
};

const UUID_RANDOM_BYTES = 10;

export type Birth<Id> = { readonly id: Id; readonly createdAtMs: number };

/** @param parse the parser of the ids in question, which takes every UUID. */
export function newBirth<Id>({ nowMs, randomBytes }: Chance, parse: (text: string) => Id | undefined): Birth<Id> {
  const createdAtMs = nowMs();
  const id = parse(uuidv7(createdAtMs, randomBytes(UUID_RANDOM_BYTES)));
  if (id === undefined) throw new Error("a new id is no UUID");
  return { id, createdAtMs };
}
