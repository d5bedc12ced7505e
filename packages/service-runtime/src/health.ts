/**
 * Whether a process may be given work. Ready means: it has started, it is not stopping, and every dependency it named
 * is up. A process that is not ready still lives; only its event loop decides about that.
 */

export type DependencyState =
  | { readonly status: "up" }
  | { readonly status: "down" /** One short phrase for an operator. */; readonly reason: string };

/** The part of a dependency's owner: says when it comes and goes. Repeating a state is harmless. */
export interface DependencyHandle {
  up(): void;
  down(reason: string): void;
}

export interface HealthReport {
  readonly status: "starting" | "ready" | "degraded" | "stopping";
  readonly dependencies: Readonly<Record<string, DependencyState>>;
}

/** What a service sees of the process's health. */
export interface Health {
  /**
   * Registers a dependency, down until its owner says otherwise. One that is not required is reported and does not make
   * the process unready. A name that is taken is a bug and throws.
   */
  dependency(name: string, options?: { readonly required: boolean }): DependencyHandle;
  report(): HealthReport;
  /** Calls the listener whenever `report()` may have changed; disposing ends that. */
  onChange(listener: () => void): Disposable;
}

/** The part of the process's shell: moves the process through its life. */
export interface HealthControl extends Health {
  started(): void;
  stopping(): void;
}

export function createHealth(): HealthControl {
  const dependencies = new Map<string, DependencyState>();
  const optional = new Set<string>();
  const listeners = new Set<() => void>();
  let phase: "starting" | "started" | "stopping" = "starting";

  const changed = (): void => {
    for (const listener of listeners) listener();
  };
  const setState = (name: string, state: DependencyState): void => {
    dependencies.set(name, state);
    changed();
  };

  return {
    dependency: (name, { required } = { required: true }) => {
      if (dependencies.has(name)) throw new Error(`the dependency "${name}" is registered already`);
      if (!required) optional.add(name);
      setState(name, { status: "down", reason: "not connected yet" });
      return {
        up: () => setState(name, { status: "up" }),
        down: (reason) => setState(name, { status: "down", reason }),
      };
    },
    report: () => {
      const required = [...dependencies].filter(([name]) => !optional.has(name)).map(([, state]) => state);
      return { status: statusOf(phase, required), dependencies: Object.fromEntries(dependencies) };
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    started: () => {
      if (phase === "starting") phase = "started";
      changed();
    },
    stopping: () => {
      phase = "stopping";
      changed();
    },
  };
}

function statusOf(
  phase: "starting" | "started" | "stopping",
  required: readonly DependencyState[],
): HealthReport["status"] {
  if (phase !== "started") return phase;
  return required.every((dependency) => dependency.status === "up") ? "ready" : "degraded";
}
