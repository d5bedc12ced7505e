/**
 * Holds answers against the description that the api itself serves: status, headers, media type and body. For tests
 * only; the client of every test uses it.
 */

import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { expect } from "vitest";
import { OPENAPI_PATH, type OpenApiDocument } from "./openapi/document.ts";
import { templateOf } from "./openapi/path-parameters.ts";
import type { Route } from "./schemas/route.ts";

type Answered = { readonly status: number; readonly headers: Headers; readonly text: string };

/** Fails the test when the answer is not as documented. */
export type CheckAnswer = (route: Pick<Route, "method" | "path">, answer: Answered) => void;

type Response = {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, { readonly $ref: string }>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
};
type Operation = { readonly responses: Readonly<Record<string, Response>> };

/** By the document's text: the apis of a test file serve the same one, and compiling takes a while. */
const checks = new Map<string, CheckAnswer>();

/** @param url of a running api. */
export async function documentedAnswers(url: string): Promise<CheckAnswer> {
  const response = await fetch(url + OPENAPI_PATH);
  expect(response.status).toBe(200);
  const text = await response.text();
  const check = checks.get(text) ?? answerCheck(JSON.parse(text));
  checks.set(text, check);
  return check;
}

export function answerCheck(document: OpenApiDocument): CheckAnswer {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false });
  formats.default(ajv);
  ajv.addVocabulary(["components"]);
  const validators = new Map<object, ValidateFunction>();

  function validatorOf(schema: object): ValidateFunction {
    const known = validators.get(schema);
    if (known !== undefined) return known;
    // References start at the root of the document, so that its components have to be where they point.
    const compiled = ajv.compile({ ...schema, components: document.components });
    validators.set(schema, compiled);
    return compiled;
  }

  return (route, { status, headers, text }) => {
    const where = `${route.method} ${route.path} answered ${status}`;
    const response = documentedResponse(document, route, status);
    if (response === undefined) throw new Error(`${where}, which is not documented: ${text}`);
    for (const [name, header] of Object.entries(response.headers ?? {})) {
      const { required = false } = resolve(document, header.$ref) as { required?: boolean };
      if (required) expect(headers.get(name), `${where} without ${name}`).not.toBeNull();
    }
    if (response.content === undefined) return expect(text, where).toBe("");
    const type = headers.get("content-type")?.split(";", 1)[0] ?? "none";
    const media = response.content[type];
    if (media === undefined) throw new Error(`${where} as ${type}, which is not documented`);
    const validate = validatorOf(media.schema);
    const isValid = validate(JSON.parse(text));
    expect(isValid, `${where} with ${text}: ${ajv.errorsText(validate.errors)}`).toBe(true);
  };
}

function documentedResponse(
  document: OpenApiDocument,
  route: Pick<Route, "method" | "path">,
  status: number,
): Response | undefined {
  const operation = document.paths[templateOf(route.path)]?.[route.method.toLowerCase()] as Operation | undefined;
  const response = operation?.responses[status];
  return response?.$ref === undefined ? response : (resolve(document, response.$ref) as Response);
}

/** @param pointer such as "#/components/headers/RateLimit". */
function resolve(document: OpenApiDocument, pointer: string): unknown {
  const steps = pointer.slice("#/".length).split("/");
  return steps.reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], document);
}
