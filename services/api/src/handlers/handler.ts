/** What all handlers have in common: a checked request comes in, an answer goes out as a value. */

import type { Problem } from "@posthorn/service-runtime";
import type { z } from "zod";
import type { Caller } from "../core/caller.ts";
import type { Alongside } from "../io/alongside.ts";
import type { Creation, ParametersOf, Route } from "../schemas/route.ts";

export type Request<R extends Route> = {
  /** Known, and permitted to use the route in this organisation. */
  readonly caller: Caller;
  readonly parameters: ParametersOf<R["path"]>;
  readonly query: z.output<R["query"]>;
  readonly body: OutputOf<R["body"]>;
  /** Names the request in logs, in answers and in what is recorded of a change. */
  readonly id: string;
} & (R extends { readonly creates: Creation } ? Creating<R> : unknown);

export type Creating<R extends Route> = {
  /**
   * Says what the creation will be answered with. What it returns has to run in the transaction that creates, so that
   * a repeated Idempotency-Key finds either the answer or nothing made. It throws when the answer has become another
   * request's to give, which undoes the transaction.
   */
  readonly keep: (answer: Done<R>) => Alongside;
};

export type Done<R extends Route> = { readonly kind: "done"; readonly body: OutputOf<R["success"]["body"]> };

export type Answer<R extends Route> =
  | Done<R>
  /** The JSON text of the body, where it holds numbers that JavaScript cannot. */
  | { readonly kind: "done-as-text"; readonly json: string }
  | Refused;

export type Refused = { readonly kind: "refused"; readonly problem: Problem };

export type Handler<R extends Route> = (request: Request<R>) => Promise<Answer<R>>;

type OutputOf<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

export function done<Body>(body: Body): { readonly kind: "done"; readonly body: Body } {
  return { kind: "done", body };
}

export function refused(problem: Problem): Refused {
  return { kind: "refused", problem };
}
