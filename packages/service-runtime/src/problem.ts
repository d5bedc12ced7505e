/** A refusal as RFC 9457 knows it: the one shape in which every HTTP error of every service is told. */
import { type ServerResponse, STATUS_CODES } from "node:http";

export const PROBLEM_CONTENT_TYPE = "application/problem+json";

export interface Problem {
  readonly status: number;
  /** A stable name for this kind of refusal; "about:blank" if the status says it all. */
  readonly type?: string;
  /** The status's own words if absent. */
  readonly title?: string;
  /** One sentence for the person who reads it: what, where, and what is allowed. */
  readonly detail: string;
  readonly errors?: readonly ProblemError[];
  /** Headers of the answer, such as `retry-after` in seconds. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One thing that is wrong with the input. */
export interface ProblemError {
  /** JSON pointer into the body, such as "/events/0/type"; "" is the whole body. */
  readonly path: string;
  readonly message: string;
}

/**
 * The body of the answer.
 * @param requestId makes this refusal findable in the logs; undefined when the request never became one.
 */
export function problemBody(problem: Problem, requestId?: string): string {
  return JSON.stringify({
    type: problem.type ?? "about:blank",
    title: problem.title ?? STATUS_CODES[problem.status] ?? "Error",
    status: problem.status,
    detail: problem.detail,
    instance: requestId === undefined ? undefined : `urn:posthorn:request:${requestId}`,
    errors: problem.errors,
  });
}

/**
 * Answers a bare node:http request with the problem and closes the connection, because the request's body may still be
 * on its way and nobody will read it.
 */
export function writeProblem(response: ServerResponse, problem: Problem): void {
  response
    .writeHead(problem.status, { ...problem.headers, "content-type": PROBLEM_CONTENT_TYPE, connection: "close" })
    .end(problemBody(problem));
}
