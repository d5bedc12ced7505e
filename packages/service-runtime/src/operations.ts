/** What every process answers to those who run it: /livez, /readyz and /metrics. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Health } from "./health.ts";
import type { Logger } from "./logging.ts";
import type { Metrics } from "./metrics.ts";
import { writeProblem } from "./problem.ts";

export interface OperationCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly health: Health;
  readonly metrics: Metrics;
  readonly log: Logger;
}

/** What answers the URL, or `undefined` when it is none of the three. */
export function operationOf(url: string): ((call: OperationCall) => void) | undefined {
  switch (url.split("?", 1)[0]) {
    case "/livez":
      return readOnly(({ response }) => writeJson(response, 200, { status: "alive" }));
    case "/readyz":
      return readOnly(({ response, health }) => {
        const report = health.report();
        writeJson(response, report.status === "ready" ? 200 : 503, report);
      });
    case "/metrics":
      return readOnly((call) => void writeMetrics(call));
    default:
      return undefined;
  }
}

function readOnly(answer: (call: OperationCall) => void): (call: OperationCall) => void {
  return (call) => {
    if (call.request.method === "GET" || call.request.method === "HEAD") return answer(call);
    const detail = `${call.request.method} is not allowed here; allowed: GET, HEAD.`;
    writeProblem(call.response, { status: 405, detail, headers: { allow: "GET, HEAD" } });
  };
}

async function writeMetrics({ response, metrics, log }: OperationCall): Promise<void> {
  try {
    const text = await metrics.expose();
    response.writeHead(200, { "content-type": metrics.contentType }).end(text);
  } catch (error) {
    log.error({ error }, "metrics could not be collected");
    writeProblem(response, { status: 500, detail: "The metrics could not be collected." });
  }
}

function writeJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
