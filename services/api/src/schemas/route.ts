/**
 * What a route promises, as one value: its path, who may use it, what goes in and what comes out. Requests are checked
 * by it, handlers are typed by it, and its schemas are JSON Schema, so that documentation can be made from it.
 */

import { z } from "zod";
import type { Access } from "../core/caller.ts";
import type { PathParameters } from "../core/path-parameters.ts";

export type Route = {
  /** Names the route in documentation and telemetry. */
  readonly operation: string;
  readonly summary: string;
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Parameters as `:name`, each one of `PathParameters`. */
  readonly path: string;
  readonly access: Access;
  /** Changes configuration: the answer waits until the data plane can see the change. */
  readonly changesConfiguration: boolean;
  readonly query: z.ZodObject;
  /** Undefined: the route takes no body. */
  readonly body: z.ZodType | undefined;
  readonly success: {
    readonly status: 200 | 201 | 204;
    /** Undefined: nothing comes back. */
    readonly body: z.ZodType | undefined;
  };
};

type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<`/${Rest}`>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** The parsed parameters of a path. */
export type ParametersOf<Path extends string> = Pick<PathParameters, NamesIn<Path> & keyof PathParameters>;

/** The query of routes that have none. */
export const noQuery = z.strictObject({});
