/**
 * The HTTP port of a process. It listens before anything else starts and until everything else has stopped, and answers
 * /livez, /readyz and /metrics by itself, so that these hold whatever becomes of the service. All other requests go to
 * the service's REST, while there is one.
 */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Health } from "./health.ts";
import type { HttpServer } from "./http-server.ts";
import type { Logger } from "./logging.ts";
import type { Metrics } from "./metrics.ts";
import { operationOf } from "./operations.ts";
import { PROBLEM_CONTENT_TYPE, type Problem, problemBody, writeProblem } from "./problem.ts";
import { settlesWithin } from "./within.ts";

export interface HttpPort {
  /** The port in use, also when any free one was asked for. */
  readonly port: number;
  /**
   * Gives all further requests to the service's REST; one at a time, a second one is a bug and throws. Disposing stops
   * accepting (503), waits a bounded time for the requests in flight, then closes the app.
   */
  serve(app: HttpServer): Promise<AsyncDisposable>;
}

/** How long requests in flight may take once the service stops. */
const DRAIN_MS_MAX = 2_500;
/** A client that sends its request more slowly is cut off. */
const REQUEST_MS_MAX = 30_000;
const HEADERS_MS_MAX = 10_000;
const HEADER_BYTES_MAX = 16_384;
/** Longer than the idle time of usual load balancers, which must be the ones to close. */
const KEEP_ALIVE_MS = 65_000;

const STARTING: Problem = { status: 503, detail: "The service is starting.", headers: { "retry-after": "1" } };
const STOPPING: Problem = { status: 503, detail: "The service is stopping.", headers: { "retry-after": "1" } };
const NOT_FOUND: Problem = { status: 404, detail: "There is nothing at this path." };

/** The REST of a service while it is served. */
interface Served {
  readonly app: HttpServer;
  readonly inFlight: Set<ServerResponse>;
}

export async function openHttpPort(options: {
  readonly host: string;
  readonly port: number;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Logger;
}): Promise<HttpPort & AsyncDisposable> {
  const { health, metrics, log } = options;
  let served: Served | undefined;

  const server = createServer(
    {
      requestTimeout: REQUEST_MS_MAX,
      headersTimeout: HEADERS_MS_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
      maxHeaderSize: HEADER_BYTES_MAX,
    },
    (request, response) => {
      const answerOperation = operationOf(request.url ?? "");
      if (answerOperation !== undefined) answerOperation({ request, response, health, metrics, log });
      else if (served !== undefined) forward(served, request, response);
      else writeProblem(response, unserved(health));
    },
  );
  server.on("clientError", answerUnreadable);
  server.listen({ host: options.host, port: options.port });
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    serve: async (app) => {
      if (served !== undefined) throw new Error("the HTTP port serves another app already");
      await app.ready();
      const serving: Served = { app, inFlight: new Set() };
      served = serving;
      return {
        [Symbol.asyncDispose]: async () => {
          if (served === serving) served = undefined;
          await drain(serving, log);
          await app.close();
        },
      };
    },
    [Symbol.asyncDispose]: () => close(server),
  };
}

function forward({ app, inFlight }: Served, request: IncomingMessage, response: ServerResponse): void {
  inFlight.add(response);
  response.once("close", () => inFlight.delete(response));
  app.routing(request, response);
}

function unserved(health: Health): Problem {
  const { status } = health.report();
  if (status === "starting") return STARTING;
  return status === "stopping" ? STOPPING : NOT_FOUND;
}

async function drain({ inFlight }: Served, log: Logger): Promise<void> {
  for (const response of inFlight) {
    if (!response.headersSent) response.setHeader("connection", "close");
  }
  if (await settlesWithin(Promise.all([...inFlight].map((response) => once(response, "close"))), DRAIN_MS_MAX)) return;
  log.warn({ requests: inFlight.size }, "requests were cut off because they did not end in time");
  for (const response of inFlight) response.destroy();
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  if (await settlesWithin(closed, DRAIN_MS_MAX)) return;
  server.closeAllConnections();
  await closed;
}

/** Answers what is no readable HTTP: the request never became one, so there is only the socket to write to. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = unreadableProblem(error.code);
  const body = problemBody(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nconnection: close\r\ncontent-type: ${PROBLEM_CONTENT_TYPE}\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function unreadableProblem(code: string | undefined): Problem & { readonly title: string } {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return {
        status: 431,
        title: "Request Header Fields Too Large",
        detail: `The headers are larger than ${HEADER_BYTES_MAX} bytes.`,
      };
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, title: "Request Timeout", detail: "The request was not sent in time." };
    default:
      return { status: 400, title: "Bad Request", detail: "This is not a readable HTTP request." };
  }
}
