/**
 * The other end of `startGrpcServer`: clients that spread their calls over all replicas, come back within a second of a
 * restart, and never call without a deadline.
 */
import {
  type CallOptions,
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { GRPC_CHANNEL_LIMITS } from "./grpc-limits.ts";

/** A client's constructor as ts-proto generates it. */
export interface GrpcClientConstructor<C extends Client> {
  new (address: string, credentials: ChannelCredentials, options?: Partial<ClientOptions>): C;
}

/** A unary method bound to its client, of its overloads the one with all arguments. */
export type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

const RECONNECT_MS_MIN = 100;
/** The default of two minutes would keep a dispatcher away from a signer that has long been back. */
const RECONNECT_MS_MAX = 1_000;
/** By default a name is looked up once in 30 s at most, which would hide new replicas that long. */
const NAME_LOOKUP_INTERVAL_MS_MIN = 1_000;

/** The options of every client; `round_robin` spreads calls, a stream stays where it was opened. */
export function grpcClientOptions(): Partial<ClientOptions> {
  return {
    ...GRPC_CHANNEL_LIMITS,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.initial_reconnect_backoff_ms": RECONNECT_MS_MIN,
    "grpc.max_reconnect_backoff_ms": RECONNECT_MS_MAX,
    "grpc.dns_min_time_between_resolutions_ms": NAME_LOOKUP_INTERVAL_MS_MIN,
    "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_http_proxy": 0,
    "grpc.enable_channelz": 0,
  };
}

/**
 * Makes a client; it connects at its first call. Close it with its own `close()`.
 *
 * @param target such as "127.0.0.1:9091", "dns:///signer-headless:9091" or "ipv4:127.0.0.1:9091,127.0.0.1:9092"
 */
export function createGrpcClient<C extends Client>(clientConstructor: GrpcClientConstructor<C>, target: string): C {
  return new clientConstructor(target, credentials.createInsecure(), grpcClientOptions());
}

/**
 * Calls a unary method as a promise: `callUnary(client.sealSecret.bind(client), request, { deadlineMs: 500 })`.
 *
 * @throws ServiceError with the call's status code: DEADLINE_EXCEEDED after `deadlineMs`, CANCELLED when the signal aborts.
 */
export function callUnary<Request, Response>(
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: { readonly deadlineMs: number; readonly metadata?: Metadata; readonly signal?: AbortSignal },
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + options.deadlineMs;
    const metadata = options.metadata ?? new Metadata();
    const call = method(request, metadata, { deadline }, (error, response) => {
      options.signal?.removeEventListener("abort", cancel);
      if (error === null) resolve(response);
      else reject(error);
    });
    const cancel = (): void => call.cancel();
    if (options.signal?.aborted) cancel();
    else options.signal?.addEventListener("abort", cancel);
  });
}

/** Resolves when a server of the client's target can be reached; rejects when none can within the time. */
export function reachServer(client: Client, withinMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    client.waitForReady(Date.now() + withinMs, (error) => {
      if (error === undefined) resolve();
      else reject(new Error("cannot be reached", { cause: error }));
    });
  });
}
