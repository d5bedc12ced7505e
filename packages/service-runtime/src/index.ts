/** The shell of every process. What is not exported here is nobody else's business. */
export { status as GrpcStatus } from "@grpc/grpc-js";
export { type CrashPoint, crashPoint } from "./crash-point.ts";
export {
  callUnary,
  createGrpcClient,
  type GrpcClientConstructor,
  grpcClientOptions,
  reachServer,
} from "./grpc-client.ts";
export { type RpcResult, unaryHandler } from "./grpc-handler.ts";
export { type GrpcServer, type GrpcService, startGrpcServer } from "./grpc-server.ts";
export { createHealth, type DependencyHandle, type DependencyState, type Health, type HealthReport } from "./health.ts";
export type { HttpPort } from "./http-port.ts";
export {
  createHttpServer,
  type HttpReply,
  type HttpRequest,
  type HttpServer,
  type HttpServerOptions,
  sendProblem,
} from "./http-server.ts";
export { type Logger, withTrace } from "./logging.ts";
export { type Counter, createMetrics, type Gauge, type Histogram, type Metrics } from "./metrics.ts";
export type { Problem, ProblemError } from "./problem.ts";
export { type RetryOptions, retryForever } from "./retry-forever.ts";
export { runService, type ServiceDefinition } from "./run-service.ts";
export { type RuntimeSettings, type RuntimeSpec, runtimeSettings } from "./runtime-settings.ts";
export {
  flag,
  integer,
  type ListItem,
  list,
  oneOf,
  optionalSecret,
  optionalText,
  optionalUrl,
  port,
  ratio,
  secret,
  secretBytes,
  text,
  type UrlOptions,
  urlList,
  urlText,
} from "./setting-kinds.ts";
export {
  describeSettings,
  type Environment,
  readSettings,
  type Setting,
  SettingsError,
  type SettingsOf,
  type SettingsSpec,
} from "./settings.ts";
export { type OpenedShell, openShell, type Shell } from "./shell.ts";
export { formatTraceparent, parseTraceparent, type TraceContext } from "./traceparent.ts";
export type { SpanAttributes, SpanHandle, SpanKind, SpanStart, Tracing } from "./tracing.ts";
export { watchDependency } from "./watch-dependency.ts";
