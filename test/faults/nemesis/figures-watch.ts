/** Adds up counters of services that are killed meanwhile, as a Prometheus server would: a new process begins at 0. */

import type { ServiceName } from "../../../deploy/local/service-table.ts";
import type { Stack } from "../../../deploy/local/stack.ts";

const EVERY_MS = 1_000;
const ANSWER_MS_MAX = 900;

export type FiguresWatch = AsyncDisposable & {
  /** As of the last look; what a process counted after it and before its end is missing. */
  total(name: string): number;
  /** Looks once more, at processes that run. */
  look(): Promise<void>;
};

/** @param names of counters, without labels; those with labels are summed over them. */
export function watchFigures(stack: Stack, services: readonly ServiceName[], names: readonly string[]): FiguresWatch {
  const watched = stack.instances.filter(({ service }) => services.includes(service));
  const totals = new Map<string, number>();
  const last = new Map<string, number>();

  async function lookAt(instance: string, httpPort: number): Promise<void> {
    const url = `http://127.0.0.1:${httpPort}/metrics`;
    const text = await (await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS_MAX) })).text();
    for (const name of names) {
      const value = counterIn(text, name);
      if (value === undefined) continue;
      const before = last.get(`${instance} ${name}`) ?? 0;
      last.set(`${instance} ${name}`, value);
      totals.set(name, (totals.get(name) ?? 0) + (value >= before ? value - before : value));
    }
  }

  async function look(): Promise<void> {
    // Those that are frozen or dead do not answer.
    await Promise.allSettled(watched.map(({ name, httpPort }) => lookAt(name, httpPort)));
  }

  let looking: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    looking = look();
  }, EVERY_MS);
  return {
    total: (name) => totals.get(name) ?? 0,
    look,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer);
      await looking;
    },
  };
}

function counterIn(text: string, name: string): number | undefined {
  const lines = text.split("\n").filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`));
  if (lines.length === 0) return undefined;
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}
