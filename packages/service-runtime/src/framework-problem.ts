/**
 * What a client is told about an error that was thrown while its request was read or handled. Only errors that are the
 * client's own are explained; of all others it learns nothing, because their texts belong to the inside.
 */
import type { FastifyError } from "fastify";
import type { Problem, ProblemError } from "./problem.ts";

type Validation = NonNullable<FastifyError["validation"]>[number];

/** The problem of an error that the client caused, or `undefined` when the error is ours. */
export function clientProblem(error: FastifyError, limits: { readonly bodyBytesMax: number }): Problem | undefined {
  if (error.validation !== undefined) return validationProblem(error.validation, error.validationContext);
  switch (error.code) {
    case "FST_ERR_CTP_INVALID_JSON_BODY":
      return { status: 400, detail: "The body is not valid JSON in UTF-8." };
    case "FST_ERR_CTP_EMPTY_JSON_BODY":
      return { status: 400, detail: "The body is empty where JSON was expected." };
    case "FST_ERR_CTP_BODY_TOO_LARGE":
      return { status: 413, detail: `The body is larger than ${limits.bodyBytesMax} bytes.` };
    case "FST_ERR_CTP_INVALID_MEDIA_TYPE":
      return { status: 415, detail: "The body's Content-Type is not supported; send application/json." };
    case "FST_ERR_MAX_PARAM_LENGTH":
      return { status: 414, detail: "A part of the path is too long." };
    case "FST_ERR_BAD_URL":
    case "FST_ERR_INVALID_URL":
      return { status: 400, detail: "The path is not a valid URL path." };
  }
  const status = error.statusCode ?? 500;
  return status >= 400 && status < 500 ? { status, detail: "The request could not be read." } : undefined;
}

function validationProblem(validation: readonly Validation[], part: FastifyError["validationContext"]): Problem {
  return {
    status: 422,
    detail: `The ${PART_WORDS[part ?? "body"]} not valid.`,
    errors: validation.map(validationError),
  };
}

const PART_WORDS = {
  body: "body is",
  headers: "headers are",
  params: "path parameters are",
  querystring: "query parameters are",
} as const;

function validationError({ instancePath, params, message }: Validation): ProblemError {
  // Ajv points at the object; the member that is missing or too much is what the client looks for.
  const member = params.missingProperty ?? params.additionalProperty;
  const path = typeof member === "string" ? `${instancePath}/${escapePointer(member)}` : instancePath;
  return { path, message: message ?? "is not valid" };
}

function escapePointer(member: string): string {
  return member.replaceAll("~", "~0").replaceAll("/", "~1");
}
