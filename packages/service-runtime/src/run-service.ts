/**
 * The life of a process, from its settings to its exit code: 0 after a stop that was asked for, 1 after a failure, 2
 * when the settings cannot be used. It always ends within a bound, and gracefully whenever the service lets it.
 */
import type { Logger } from "./logging.ts";
import type { RuntimeSettings, RuntimeSpec } from "./runtime-settings.ts";
import { describeSettings, readSettings, SettingsError, type SettingsOf } from "./settings.ts";
import { type OpenedShell, openShell, type Shell } from "./shell.ts";
import { type StopRequest, watchStopRequests } from "./stop-requests.ts";

export interface ServiceDefinition<S extends RuntimeSpec> {
  /** Lower case, such as "ingest". */
  readonly name: string;
  /** All settings of the process: `{ ...runtimeSettings("ingest"), ... }`. */
  readonly settings: S;
  /**
   * Builds and starts the service; the process is ready when it resolves. Disposing the result stops the service. It
   * should give up when `shell.stopping` aborts.
   */
  start(config: SettingsOf<S>, shell: Shell): Promise<AsyncDisposable>;
}

/** From the request to stop to the end of the process; supervisors wait 10 s before they kill. */
const STOP_MS_MAX = 8_000;

const EXIT_FAILED = 1;
const EXIT_BAD_SETTINGS = 2;

/** Runs a service until it is asked to stop: the whole of a `main.ts`. It sets the exit code and does not throw. */
export async function runService<S extends RuntimeSpec>(service: ServiceDefinition<S>): Promise<void> {
  const { name, settings } = service;
  const stopping = new AbortController();
  try {
    const config = readSettings(process.env, settings);
    const runtime: RuntimeSettings = readSettings<RuntimeSpec>(process.env, settings);
    await using opened = await openShell({ name, config: runtime, env: process.env, stopping: stopping.signal });
    await runInShell(service, config, runtime.leash, opened, stopping);
  } catch (error) {
    explain(name, error);
  }
}

async function runInShell<S extends RuntimeSpec>(
  service: ServiceDefinition<S>,
  config: SettingsOf<S>,
  leash: RuntimeSettings["leash"],
  { shell, control }: OpenedShell,
  stopping: AbortController,
): Promise<void> {
  const { log } = shell;
  const stopRequested = new Promise((resolve) => stopping.signal.addEventListener("abort", resolve));
  const beginStop = (why: string): void => {
    if (stopping.signal.aborted) return;
    log.info({ why }, "stopping");
    endAtTheLatest(log);
    control.stopping();
    stopping.abort();
  };
  const onStop = (request: StopRequest): void => {
    if (request.kind === "crash") failed(log, request.error, "an error was not handled");
    beginStop(request.kind === "signal" ? request.signal : request.kind);
  };
  using _watch = watchStopRequests(leash, onStop, () => process.exit(EXIT_FAILED));

  const running = await startUnlessStopped(service, config, shell);
  if (running !== undefined && !stopping.signal.aborted) {
    control.started();
    const { version, http } = shell;
    log.info({ version, http_port: http.port, settings: describeSettings(service.settings, config) }, "ready");
    // A supervisor waits for this line.
    log.flush();
    await stopRequested;
  }
  beginStop("failed start");
  await stopService(running, log);
}

/** The running service, or `undefined` when it failed or gave up because the process was asked to stop. */
async function startUnlessStopped<S extends RuntimeSpec>(
  service: ServiceDefinition<S>,
  config: SettingsOf<S>,
  shell: Shell,
): Promise<AsyncDisposable | undefined> {
  try {
    return await service.start(config, shell);
  } catch (error) {
    if (error instanceof SettingsError) explain(service.name, error);
    else if (!shell.stopping.aborted) failed(shell.log, error, "the service could not start");
    return undefined;
  }
}

async function stopService(running: AsyncDisposable | undefined, log: Logger): Promise<void> {
  try {
    await running?.[Symbol.asyncDispose]();
    log.info("stopped");
  } catch (error) {
    failed(log, error, "the service could not stop cleanly");
  }
}

function failed(log: Logger, error: unknown, message: string): void {
  process.exitCode = EXIT_FAILED;
  log.fatal({ error }, message);
}

/** The last resort against a stop that hangs, or a handle that was left open and keeps the process alive. */
function endAtTheLatest(log: Logger): void {
  const end = (): void => {
    log.fatal({ open: process.getActiveResourcesInfo() }, "the process did not end in time and is ended by force");
    process.exit(process.exitCode || EXIT_FAILED);
  };
  setTimeout(end, STOP_MS_MAX).unref();
}

/** Says on standard error, where there is no log or a log line would hide it, why there is no service. */
function explain(name: string, error: unknown): void {
  process.exitCode = error instanceof SettingsError ? EXIT_BAD_SETTINGS : EXIT_FAILED;
  const sentences = error instanceof SettingsError ? error.sentences : [messageOf(error)];
  for (const sentence of sentences) process.stderr.write(`${name}: ${sentence}\n`);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
