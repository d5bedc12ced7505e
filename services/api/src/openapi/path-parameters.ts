/** What the parameters of paths look like. */

import { limits } from "@posthorn/domain";
import type { PathParameters } from "../core/path-parameters.ts";
import type { JsonSchema } from "../schemas/wire-form.ts";

type Parameter = { readonly description: string; readonly schema: JsonSchema };

const UUID: JsonSchema = { type: "string", format: "uuid" };

const PARAMETERS: Readonly<Record<keyof PathParameters, Parameter>> = {
  org: { description: "The organisation's id", schema: UUID },
  key: { description: "The API key's id, not the key itself", schema: UUID },
  webhook: { description: "The webhook's id", schema: UUID },
  delivery: { description: "The delivery's id", schema: UUID },
  eventType: { description: "The event type's id", schema: UUID },
  replay: { description: "The replay's id", schema: UUID },
  event: {
    description: "The event's id, or the id that its publisher gave it",
    schema: { type: "string", minLength: 1, maxLength: limits.CALLER_ID_LENGTH_MAX },
  },
  externalId: {
    description: "The id that the webhook's creator chose",
    schema: { type: "string", pattern: "^[A-Za-z0-9_.-]{1,64}$" },
  },
  attempt: { description: "The delivery's id, a dash, and the attempt's number", schema: { type: "string" } },
};

/** The parameters of a route's path, in its order. */
export function pathParametersOf(path: string) {
  return [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => {
    if (!isKnown(name)) throw new Error(`the path ${path} has a parameter that is not described`);
    return { name, in: "path", required: true, ...PARAMETERS[name] };
  });
}

function isKnown(name: string): name is keyof PathParameters {
  return Object.hasOwn(PARAMETERS, name);
}

/** As OpenAPI writes paths. */
export function templateOf(path: string): string {
  return path.replaceAll(/:(\w+)/g, "{$1}");
}
