/**
 * The one way a service speaks REST: a Fastify instance that answers every error as RFC 9457 problem, reads only JSON,
 * coerces nothing, and leaks nothing. It does not listen by itself; `Shell.http` serves it.
 */
import { isUtf8 } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { clientProblem } from "./framework-problem.ts";
import type { Logger } from "./logging.ts";
import { PROBLEM_CONTENT_TYPE, type Problem, problemBody } from "./problem.ts";
import { createRouteMethods, type RouteMethods } from "./route-methods.ts";

export type HttpServer = FastifyInstance;
export type HttpRequest = FastifyRequest;
export type HttpReply = FastifyReply;

export interface HttpServerOptions {
  readonly log: Logger;
  /** Larger bodies are refused with 413, a route may set its own `bodyLimit`. */
  readonly bodyBytesMax: number;
  /** What `request.body` is: the parsed JSON, or its bytes as a `Buffer` for routes that must keep them as they came. */
  readonly bodies: "json" | "bytes";
  /** Makes the id of a request that came without one. */
  readonly newRequestId?: () => string;
}

/** Longer than any id of ours, caller-given ids of 128 characters in percent-encoding included. */
const PATH_PARAMETER_CHARACTERS_MAX = 512;
const REQUEST_ID_HEADER = "x-request-id";
const REQUEST_ID = /^[A-Za-z0-9._-]{1,128}$/;

/** Makes the instance; add routes to it, then hand it to `Shell.http.serve`. */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  // Imported here, so that a service without REST does not carry it.
  const { fastify } = await import("fastify");
  const app: HttpServer = fastify({
    bodyLimit: options.bodyBytesMax,
    requestIdHeader: false,
    genReqId: (request) => requestIdOf(request.headers[REQUEST_ID_HEADER], options.newRequestId ?? randomUUID),
    routerOptions: { maxParamLength: PATH_PARAMETER_CHARACTERS_MAX },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } },
    // These come before every hook.
    frameworkErrors: (error, request, reply) =>
      answerError(error, reply.header(REQUEST_ID_HEADER, request.id), options),
  });
  const routeMethods = createRouteMethods();
  app.addHook("onRoute", ({ method, url }) => {
    for (const one of [method].flat()) routeMethods.add(one, url);
  });
  app.addHook("onRequest", async (request, reply) => {
    reply.header(REQUEST_ID_HEADER, request.id);
    // Before the body is read: what is wrong with a body does not matter where nobody would have taken it.
    if (request.is404) return sendProblem(reply, notFound(request, routeMethods));
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => answerError(error, reply, options));
  readBodies(app, options.bodies);
  return app;
}

/** Answers with the problem; to be returned by a handler. */
export function sendProblem(reply: HttpReply, problem: Problem): HttpReply {
  // As bytes, because Fastify would add a charset to a text's content type, for which the RFC has no place.
  const body = Buffer.from(problemBody(problem, reply.request.id));
  return reply
    .code(problem.status)
    .headers(problem.headers ?? {})
    .type(PROBLEM_CONTENT_TYPE)
    .send(body);
}

function requestIdOf(given: string | readonly string[] | undefined, newRequestId: () => string): string {
  return typeof given === "string" && REQUEST_ID.test(given) ? given : newRequestId();
}

function notFound(request: HttpRequest, routeMethods: RouteMethods): Problem {
  const path = request.url.split("?", 1)[0] ?? "";
  const allowed = routeMethods.allowed(path);
  if (allowed.length === 0) return { status: 404, detail: "There is nothing at this path." };
  const allow = allowed.join(", ");
  return { status: 405, detail: `${request.method} is not allowed here; allowed: ${allow}.`, headers: { allow } };
}

function answerError(error: FastifyError, reply: HttpReply, { log, bodyBytesMax }: HttpServerOptions): HttpReply {
  const { request } = reply;
  const limit = request.routeOptions.bodyLimit ?? bodyBytesMax;
  const problem = clientProblem(error, { bodyBytesMax: limit });
  if (problem !== undefined) return sendProblem(reply, problem);
  // The route's pattern instead of the URL, whose query may hold secrets.
  const route = request.routeOptions.url;
  log.error({ error, request_id: request.id, method: request.method, route }, "a request failed unexpectedly");
  return sendProblem(reply, { status: 500, detail: "Something went wrong on our side." });
}

function readBodies(app: HttpServer, bodies: HttpServerOptions["bodies"]): void {
  app.removeAllContentTypeParsers();
  if (bodies === "bytes") {
    app.addContentTypeParser("application/json", { parseAs: "buffer" }, (_request, body, done) => done(null, body));
    return;
  }
  const parseJson = app.getDefaultJsonParser("error", "error");
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, (request, body: Buffer, done) => {
    // Fastify's own reading of text puts U+FFFD where the bytes are not UTF-8; such a body is refused here.
    if (isUtf8(body)) parseJson(request, body.toString("utf8"), done);
    else done(notUtf8());
  });
}

function notUtf8(): FastifyError {
  return Object.assign(new Error("not UTF-8"), { name: "FastifyError", code: "FST_ERR_CTP_INVALID_JSON_BODY" });
}
