/**
 * What a route promises, as one value: its path, who may use it, what goes in and what comes out. Requests are checked
 * by it, handlers are typed by it, and the API's description is made from it.
 */

import { z } from "zod";
import type { Access } from "../core/caller.ts";
import type { PathParameters } from "../core/path-parameters.ts";
import type { Tag } from "./tags.ts";

export type Route = {
  /** Names the route in documentation and telemetry; what it is called there must not change. */
  readonly operation: string;
  /** One line. */
  readonly summary: string;
  /** What one line cannot say, in Markdown. */
  readonly description?: string;
  readonly tag: Tag;
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Parameters as `:name`, each one of `PathParameters`. */
  readonly path: string;
  readonly access: Access;
  /** Changes configuration: the answer waits until the data plane can see the change. */
  readonly changesConfiguration: boolean;
  /** What it asks for is carried out by those who read LOG: the answer also waits until LOG has it. */
  readonly goesByLog?: boolean;
  /** Makes something new: an Idempotency-Key makes its repetition harmless, and the handler gets `keep`. */
  readonly creates?: Creation;
  readonly query: z.ZodObject;
  /** Undefined: the route takes no body. */
  readonly body: z.ZodType | undefined;
  readonly success: {
    readonly status: 200 | 201 | 202 | 204;
    /** Undefined: nothing comes back. */
    readonly body: z.ZodType | undefined;
  };
  /** Refusals besides those that every route of its kind has: see `refusalsOf`. */
  readonly refusals?: readonly Refusal[];
};

export type Creation = {
  /** Members of the answer that are secrets: they are kept nowhere, and a repetition is answered without them. */
  readonly shownOnce: readonly string[];
};

export type Refusal = {
  readonly status: 400 | 403 | 404 | 409 | 410 | 413 | 422 | 502 | 503;
  /** When that happens, with the problem's type if it has one of its own. */
  readonly when: string;
};

type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** The parsed parameters of a path. */
export type ParametersOf<Path extends string> = Pick<PathParameters, NamesIn<Path> & keyof PathParameters>;

/** A POST without a body asks for the defaults, where every field has one. */
export function needsBody({ method, body }: Route): boolean {
  return body !== undefined && (method !== "POST" || !body.safeParse({}).success);
}

/** The query of routes that have none. */
export const noQuery = z.strictObject({});
