/** When a program of the local stack has to stop: a signal, or the end of the program that started it. */

/**
 * Aborted by SIGINT, SIGTERM, SIGHUP and by the end of standard input, if that is a pipe: the starter holds its other
 * end. Further signals change nothing, since Ctrl-C reaches a program once from the terminal and once from npm.
 */
export function untilToldToStop(program: NodeJS.Process): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort(new Error("told to stop"));
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) program.on(signal, stop);
  if (program.env.POSTHORN_LEASH === "stdin") {
    program.stdin.on("end", stop).on("error", stop).resume();
  }
  return controller.signal;
}
