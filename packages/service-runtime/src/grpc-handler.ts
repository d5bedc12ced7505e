/**
 * Turns an async function into the handler of a unary call. A refusal is a value; an exception is a bug, which is
 * logged and told to the caller as INTERNAL without its text, instead of ending the process as unhandled rejection.
 */
import { type handleUnaryCall, Metadata, type ServerUnaryCall, status } from "@grpc/grpc-js";
import type { Logger } from "./logging.ts";

export type RpcResult<Response> =
  | { readonly kind: "response"; readonly response: Response }
  | { readonly kind: "refusal"; readonly code: status; readonly detail: string };

export function unaryHandler<Request, Response>(
  log: Logger,
  handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Promise<RpcResult<Response>>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    handle(call.request, call).then(
      (result) => {
        if (result.kind === "response") callback(null, result.response);
        else callback({ code: result.code, details: result.detail, metadata: new Metadata() });
      },
      (error: unknown) => {
        log.error({ error, rpc: call.getPath() }, "an RPC failed unexpectedly");
        callback({ code: status.INTERNAL, details: "Something went wrong on our side.", metadata: new Metadata() });
      },
    );
  };
}
