/**
 * Carries routes over HTTP: admits the caller before the body is read, checks the input, calls the handler, waits
 * until a changed configuration is in effect, and writes the answer. Rules are elsewhere; the order is here.
 */

import {
  type HttpReply,
  type HttpRequest,
  type HttpServer,
  type Problem,
  sendProblem,
} from "@posthorn/service-runtime";
import { NOT_IN_EFFECT_YET, PERHAPS_SAVED, TAKES_NO_BODY, unavailable } from "../core/problems.ts";
import type { ApiEvents } from "../events.ts";
import { type Answer, type Handler, type Refused, type Request, refused } from "../handlers/handler.ts";
import { type Checked, check } from "../schemas/read-input.ts";
import type { Route } from "../schemas/route.ts";
import type { Admission, Admit } from "./admit.ts";
import { isPostgresOutage } from "./postgres-outage.ts";
import { readJson } from "./read-json.ts";

export type ServePorts = {
  readonly admit: Admit;
  /** Whether a change could take effect now. */
  readonly canApply: () => boolean;
  /** True once everything that was committed before the call is in effect; false when that takes too long. */
  readonly settled: () => Promise<boolean>;
  readonly events: ApiEvents;
};

type Admitted = Extract<Admission, { kind: "admitted" }>;

export type ServeRoute = <R extends Route>(route: R, handler: Handler<R>) => void;

/** Returns what adds a route to the app. */
export function routeServer(app: HttpServer, ports: ServePorts): ServeRoute {
  const admissions = new WeakMap<HttpRequest, Admitted>();
  return (route, handler) => {
    app.route({
      method: route.method,
      url: route.path,
      onRequest: async (request, reply) => {
        const admission = await orOutage(ports.admit(route, request), unavailable("Postgres"));
        if (admission.kind === "refused") return sendProblem(reply, admission.problem);
        admissions.set(request, admission);
      },
      handler: async (request, reply) => {
        const admitted = admissions.get(request);
        if (admitted === undefined) throw new Error("a request came past the admission");
        const outage = route.changesConfiguration ? PERHAPS_SAVED : unavailable("Postgres");
        const answer = await orOutage(respond(route, handler, ports, admitted, request), outage);
        return send(reply, route, answer);
      },
      onResponse: async (_request, reply) => {
        const { operation } = route;
        ports.events.answered({ operation, status: reply.statusCode, durationMs: reply.elapsedTime });
      },
    });
  };
}

/** An outage of Postgres is the one failure that anything may meet; it is met here for all. */
async function orOutage<Value>(work: Promise<Value>, outage: Problem): Promise<Value | Refused> {
  try {
    return await work;
  } catch (error) {
    if (isPostgresOutage(error)) return refused(outage);
    throw error;
  }
}

async function respond<R extends Route>(
  route: R,
  handler: Handler<R>,
  ports: ServePorts,
  admitted: Admitted,
  request: HttpRequest,
): Promise<Answer<R>> {
  const input = readInput(route, admitted, request);
  if (input.kind === "refused") return input;
  if (!route.changesConfiguration) return handler(input.value);
  if (!ports.canApply()) return refused(unavailable("NATS"));
  const answer = await handler(input.value);
  return effective(route, answer, ports, admitted);
}

/** An answer speaks of what is in effect; that also goes for "not found" after a deletion whose answer was lost. */
async function effective<R extends Route>(
  { operation }: R,
  answer: Answer<R>,
  { settled, events }: ServePorts,
  { caller, parameters }: Admitted,
): Promise<Answer<R>> {
  if (answer.kind !== "refused") events.configurationChanged(operation, caller, parameters.org);
  if (await settled()) return answer;
  if (answer.kind === "refused") return refused(unavailable("NATS"));
  events.changeLate(operation);
  return refused(NOT_IN_EFFECT_YET);
}

function readInput<R extends Route>(route: R, admitted: Admitted, request: HttpRequest): Checked<Request<R>> {
  const query = check("query", route.query, request.query);
  if (query.kind === "refused") return query;
  const body = readBody(route, request.body);
  if (body.kind === "refused") return body;
  const { caller, parameters } = admitted;
  // The parts were checked by this route's own schemas and path, whose types they therefore have.
  const value = { caller, parameters, query: query.value, body: body.value } as unknown as Request<R>;
  return { kind: "sound", value };
}

/** @param bytes as Fastify has them: undefined when there are none. */
function readBody(route: Route, bytes: unknown): Checked<unknown> {
  const given = Buffer.isBuffer(bytes) && bytes.length > 0 ? bytes : undefined;
  if (route.body === undefined) {
    return given === undefined ? { kind: "sound", value: undefined } : { kind: "refused", problem: TAKES_NO_BODY };
  }
  const json = readJson(given);
  return json.kind === "refused" ? json : check("body", route.body, json.value);
}

function send<R extends Route>(reply: HttpReply, route: R, answer: Answer<R>): HttpReply {
  switch (answer.kind) {
    case "done":
      return reply.code(route.success.status).send(answer.body);
    case "done-as-text":
      return reply.code(route.success.status).type("application/json; charset=utf-8").send(answer.json);
    case "refused":
      return sendProblem(reply, answer.problem);
    default:
      return answer satisfies never;
  }
}
