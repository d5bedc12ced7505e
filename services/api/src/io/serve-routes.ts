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
import { NOT_IN_EFFECT_YET, PERHAPS_SAVED, unavailable } from "../core/problems.ts";
import { quotaHeaders } from "../core/quota.ts";
import type { ApiEvents } from "../events.ts";
import { type Answer, type Creating, type Handler, type Refused, type Request, refused } from "../handlers/handler.ts";
import type { Route } from "../schemas/route.ts";
import type { Admission, Admit } from "./admit.ts";
import type { CreateOnce, Replayed } from "./create-once.ts";
import type { Effects } from "./effects.ts";
import { isPostgresOutage } from "./postgres-outage.ts";
import { bytesOf, readRequest } from "./read-request.ts";

export type ServePorts = Effects & {
  readonly admit: Admit;
  readonly createOnce: CreateOnce;
  readonly events: ApiEvents;
};

/** Several routes that speak alike. */
export type Surface = {
  /** All of them, as documented; serving another one throws. */
  readonly routes: readonly Route[];
  /** How a refusal is told. */
  readonly sendProblem: (reply: HttpReply, problem: Problem) => HttpReply;
};

/** Refusals are RFC 9457 problems. */
export function nativeSurface(routes: readonly Route[]): Surface {
  return { routes, sendProblem };
}

type Admitted = Extract<Admission, { kind: "admitted" }>;

export type ServeRoute = <R extends Route>(route: R, handler: Handler<R>) => void;

/** Returns what adds a route to the app. */
export function routeServer(app: HttpServer, ports: ServePorts, surface: Surface): ServeRoute {
  const admissions = new WeakMap<HttpRequest, Admitted>();
  return (route, handler) => {
    if (!surface.routes.includes(route)) throw new Error(`the route ${route.operation} is not documented`);
    app.route({
      method: route.method,
      url: route.path,
      onRequest: async (request, reply) => {
        const admission = await orOutage(ports.admit(route, request), unavailable("Postgres"));
        if ("quota" in admission && admission.quota !== undefined) reply.headers(quotaHeaders(admission.quota));
        if (admission.kind === "refused") return surface.sendProblem(reply, admission.problem);
        admissions.set(request, admission);
      },
      handler: async (request, reply) => {
        const admitted = admissions.get(request);
        if (admitted === undefined) throw new Error("a request came past the admission");
        const outage = route.changesConfiguration ? PERHAPS_SAVED : unavailable("Postgres");
        const answer = await orOutage(respond(route, handler, ports, admitted, request), outage);
        return send(reply, route, answer, surface);
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
): Promise<Answer<R> | Replayed> {
  const input = readRequest(route, request.query, request.body);
  if (input.kind === "refused") return input;
  if (route.changesConfiguration && !ports.canApply(route)) return refused(unavailable("NATS"));
  const { caller, parameters } = admitted;
  const handle = (creating: Partial<Creating<R>>) =>
    // The parts were checked by this route's own schemas and path, whose types they therefore have.
    handler({ id: request.id, caller, parameters, query: input.query, body: input.body, ...creating } as Request<R>);
  const answer = await (route.creates === undefined
    ? handle({})
    : ports.createOnce(route, creationRequest(admitted, request), handle));
  return route.changesConfiguration ? effective(route, answer, ports, admitted, request.id) : answer;
}

function creationRequest({ caller, parameters }: Admitted, request: HttpRequest) {
  return {
    header: request.headers["idempotency-key"],
    orgId: parameters.org ?? (caller.kind === "key" ? caller.orgId : undefined),
    method: request.method,
    url: request.url,
    body: bytesOf(request.body) ?? Buffer.alloc(0),
  };
}

/** An answer speaks of what is in effect; that also goes for "not found" after a deletion whose answer was lost. */
async function effective<R extends Route>(
  route: R,
  answer: Answer<R> | Replayed,
  { settled, events }: ServePorts,
  { caller, parameters }: Admitted,
  requestId: string,
): Promise<Answer<R> | Replayed> {
  const { operation } = route;
  const isChange = answer.kind !== "refused" && answer.kind !== "replayed";
  if (isChange) events.configurationChanged({ operation, requestId, caller, org: parameters.org });
  if (await settled(route)) return answer;
  if (answer.kind === "refused") return refused(unavailable("NATS"));
  events.changeLate(operation, requestId);
  return refused(NOT_IN_EFFECT_YET);
}

function send<R extends Route>(reply: HttpReply, route: R, answer: Answer<R> | Replayed, surface: Surface): HttpReply {
  switch (answer.kind) {
    case "done":
      return reply.code(route.success.status).send(answer.body);
    case "done-as-text":
      return sendJson(reply.code(route.success.status), answer.json);
    case "replayed": {
      const { status, json } = answer.answer;
      return sendJson(reply.code(status).header("idempotency-replayed", "true"), json);
    }
    case "refused":
      return surface.sendProblem(reply, answer.problem);
    default:
      return answer satisfies never;
  }
}

/** @param json the text of the body; undefined: there is none. */
function sendJson(reply: HttpReply, json: string | undefined): HttpReply {
  return json === undefined ? reply.send() : reply.type("application/json; charset=utf-8").send(json);
}
