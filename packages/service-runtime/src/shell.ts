/** What every process has around its service: log, figures, traces, health, and the HTTP port that shows them. */
import packageJson from "../package.json" with { type: "json" };
import { createHealth, type Health, type HealthControl } from "./health.ts";
import { type HttpPort, openHttpPort } from "./http-port.ts";
import { type Logger, openLog } from "./logging.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import type { RuntimeSettings } from "./runtime-settings.ts";
import type { Environment } from "./settings.ts";
import { openTracing, type Tracing } from "./tracing.ts";

export interface Shell {
  /** The service's name, such as "ingest". */
  readonly name: string;
  /** Posthorn's version; all its parts carry the same one. */
  readonly version: string;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  readonly health: Health;
  readonly http: HttpPort;
  /** Aborts when the process is asked to stop, also while the service still starts. */
  readonly stopping: AbortSignal;
}

/** An open shell with the means of its owner: `control` moves its health, disposing closes the port and flushes the rest. */
export interface OpenedShell extends AsyncDisposable {
  readonly shell: Shell;
  readonly control: HealthControl;
}

/**
 * Opens the shell; from here on /livez answers. `runService` does it for processes, tests do it for a service alone.
 *
 * @param options.env only looked at for OpenTelemetry's OTEL_* variables
 * @throws SettingsError when one of those is wrong; fails when the port cannot be bound
 */
export async function openShell(options: {
  readonly name: string;
  readonly config: RuntimeSettings;
  readonly env: Environment;
  readonly stopping: AbortSignal;
}): Promise<OpenedShell> {
  const { name, config, env, stopping } = options;
  const { version } = packageJson;
  await using stack = new AsyncDisposableStack();
  const { log } = stack.use(openLog(name, config.logLevel));
  const tracing = stack.use(await openTracing({ name, version, env, log }));
  const metrics = createMetrics();
  const control = createHealth();
  const { host, httpPort } = config;
  const http = stack.use(await openHttpPort({ host, port: httpPort, health: control, metrics, log }));
  const shell: Shell = { name, version, log, metrics, tracing, health: control, http, stopping };
  const owned = stack.move();
  return { shell, control, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}
