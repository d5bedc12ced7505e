/**
 * A gRPC server with `grpc.health.v1` beside the given services, plain text, for the inside of a deployment. Stopping
 * is graceful within a bound: no new calls, those in flight may finish, the rest is cut off.
 */
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from "@grpc/grpc-js";
import { GRPC_CHANNEL_LIMITS } from "./grpc-limits.ts";
import type { Health } from "./health.ts";
import type { Logger } from "./logging.ts";
import { settlesWithin } from "./within.ts";

/** A service as ts-proto generates its definition, and what answers its calls. */
export interface GrpcService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

export interface GrpcServer extends AsyncDisposable {
  /** The port in use, also when any free one was asked for. */
  readonly port: number;
}

/** Connections end after this age, so that clients look up the name again and find new replicas. */
const CONNECTION_AGE_MS_MAX = 5 * 60_000;
/** How long calls may outlive the age of their connection. */
const CONNECTION_AGE_GRACE_MS = 30_000;
/** How long calls in flight may take once the server stops. */
const DRAIN_MS_MAX = 2_500;

/** Binds and serves. Fails if the address cannot be bound. */
export async function startGrpcServer(options: {
  readonly host: string;
  readonly port: number;
  readonly services: readonly GrpcService[];
  readonly health: Health;
  readonly log: Logger;
}): Promise<GrpcServer> {
  const server = new Server({
    // Channelz stays on: without it grpc-js keeps no list of sessions, and `forceShutdown` ends none (1.14).
    ...GRPC_CHANNEL_LIMITS,
    "grpc.max_connection_age_ms": CONNECTION_AGE_MS_MAX,
    "grpc.max_connection_age_grace_ms": CONNECTION_AGE_GRACE_MS,
  });
  for (const { definition, implementation } of options.services) server.addService(definition, implementation);
  using stack = new DisposableStack();
  stack.use(await serveHealth(server, options.services, options.health));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${options.host}:${options.port}`, ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const following = stack.move();
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      following.dispose();
      await stop(server, options.log);
    },
  };
}

/** Adds the health service and keeps it in step with the process's own health; "" stands for the server as a whole. */
async function serveHealth(server: Server, services: readonly GrpcService[], health: Health): Promise<Disposable> {
  // Imported here, so that a process without a gRPC server does not carry it.
  const { HealthImplementation } = await import("grpc-health-check");
  const names = ["", ...services.flatMap(({ definition }) => serviceName(definition))];
  const implementation = new HealthImplementation();
  const follow = (): void => {
    const status = health.report().status === "ready" ? "SERVING" : "NOT_SERVING";
    for (const name of names) implementation.setStatus(name, status);
  };
  follow();
  implementation.addToServer(server);
  return health.onChange(follow);
}

/** The full name of a service, from the path of any of its methods: "/posthorn.ingest.v1.IngestService/Publish". */
function serviceName(definition: ServiceDefinition): readonly string[] {
  return Object.values(definition)
    .slice(0, 1)
    .map(({ path }) => path.split("/")[1] ?? "");
}

async function stop(server: Server, log: Logger): Promise<void> {
  const drained = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  if (await settlesWithin(drained, DRAIN_MS_MAX)) return;
  log.warn("gRPC calls were cut off because they did not end in time");
  server.forceShutdown();
}
