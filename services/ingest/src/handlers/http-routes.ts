/**
 * The REST of ingest: who calls is decided before a body is read, and every refusal is a problem. What the acts do is
 * in `http-publish-event.ts` and `http-publish-batch.ts`.
 */

import { HOPS_HEADER, limits, type OrgId } from "@posthorn/domain";
import { type HttpReply, type HttpRequest, type HttpServer, sendProblem } from "@posthorn/service-runtime";
import { type Caller, shownKey } from "../core/access.ts";
import type { Refused } from "../core/refusals.ts";
import type { Authorise } from "./authorise.ts";
import { problemOf } from "./http-problem.ts";
import type { PublishBatch } from "./http-publish-batch.ts";
import type { PublishEvent, PublishRequest } from "./http-publish-event.ts";

/** What an event adds to its data in a request: its other members, and white space. */
const EVENT_ENVELOPE_BYTES_MAX = 4 * 1024;
export const EVENT_BODY_BYTES_MAX = limits.EVENT_DATA_BYTES_MAX + EVENT_ENVELOPE_BYTES_MAX;

const ORG = "publishing-org";

export function addRoutes(
  app: HttpServer,
  ports: {
    readonly authorise: Authorise;
    readonly callerOf: (key: string) => Caller;
    readonly publishEvent: PublishEvent;
    readonly publishBatch: PublishBatch;
  },
): void {
  const { authorise, callerOf, publishEvent, publishBatch } = ports;

  const letIn = async (request: HttpRequest, reply: HttpReply): Promise<HttpReply | undefined> => {
    const key = shownKey(request.headers.authorization, headerOf(request, "x-api-key"));
    const access = await authorise(key === undefined ? undefined : callerOf(key), orgTextOf(request));
    if (access.kind === "denied") return sendProblem(reply, problemOf(access.refusal));
    request.setDecorator(ORG, access.org);
    return undefined;
  };

  const answerWith =
    <Answer>(act: (request: PublishRequest) => Promise<{ kind: "answered"; answer: Answer } | Refused>) =>
    async (request: HttpRequest, reply: HttpReply): Promise<HttpReply> => {
      const result = await act(publishRequestOf(request));
      if (result.kind === "refused") return sendProblem(reply, problemOf(result.refusal));
      return reply.code(202).send(result.answer);
    };

  app.decorateRequest(ORG, null);
  app.post("/v1/orgs/:org/events", { onRequest: letIn, bodyLimit: EVENT_BODY_BYTES_MAX }, answerWith(publishEvent));
  app.post(
    "/v1/orgs/:org/events/batch",
    { onRequest: letIn, bodyLimit: limits.BATCH_BYTES_MAX },
    answerWith(publishBatch),
  );
}

function publishRequestOf(request: HttpRequest): PublishRequest {
  return {
    org: request.getDecorator<OrgId>(ORG),
    body: request.body instanceof Uint8Array ? request.body : NO_BODY,
    idempotencyKey: headerOf(request, "idempotency-key"),
    traceparent: headerOf(request, "traceparent"),
    hops: headerOf(request, HOPS_HEADER),
  };
}

/** A request without a body is read like an empty one. */
const NO_BODY = new Uint8Array();

function headerOf(request: HttpRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

function orgTextOf(request: HttpRequest): string {
  const { params } = request;
  const org: unknown = typeof params === "object" && params !== null && "org" in params ? params.org : undefined;
  return typeof org === "string" ? org : "";
}
