/** The processes of a run, and what is done to them and to the servers that they talk to. */

import type { AskOutcomes } from "../../services/dispatcher/src/io/fence.ts";
import { NO_BROKER_FAULTS } from "./broker-model.ts";
import { NO_DATABASE_FAULTS } from "./database-model.ts";
import { type Happening, type History, SERVICES, type ServiceName } from "./plan-history.ts";
import { runDispatcher } from "./run-dispatcher.ts";
import { runMatcher } from "./run-matcher.ts";
import { type ProjectorProcess, runProjector } from "./run-projector.ts";
import { runScheduler } from "./run-scheduler.ts";
import { WORLD } from "./virtual-time.ts";
import { killProcess, type Process, type World } from "./world.ts";

export type Fault = Exclude<Happening, { kind: "publish" | "configure" | "mood" }>;

const CALL_MS = 2;
/** What a supervisor takes. */
const RESTART_MS = 1_000;

export class Faults {
  readonly #world: World;
  readonly #history: History;
  readonly #running = new Map<ServiceName, Process[]>(SERVICES.map((service) => [service, []]));
  #projectors: ProjectorProcess[] = [];
  readonly #counts = new Map<string, number>();
  #started = 0;
  #isHealed = false;

  constructor(world: World, history: History) {
    this.#world = world;
    this.#history = history;
    world.onEnded = (process) => this.#replace(process);
  }

  startAll(): void {
    for (const service of SERVICES) this.#start(service);
    for (let more = this.#history.dispatchers; more > 1; more -= 1) this.#start("dispatcher");
  }

  stopAll(): void {
    for (const processes of this.#running.values()) for (const process of processes) killProcess(this.#world, process);
  }

  carryOut(fault: Fault): void {
    const { broker, database } = this.#world;
    switch (fault.kind) {
      case "crash":
        this.#crash(fault.service, fault.downMs);
        break;
      case "freeze":
        this.#freeze(fault.service, fault.ms);
        break;
      case "broker-restart":
        this.#restartBroker(fault.downMs, fault.forgetsAcks);
        break;
      case "leader-change":
        this.#changeLeaders();
        break;
      case "broker-faults":
        broker.faults = fault.faults;
        this.#later(fault.ms, () => {
          broker.faults = NO_BROKER_FAULTS;
        });
        break;
      case "database-down":
        database.isUp = false;
        this.#later(fault.ms, () => {
          database.isUp = true;
        });
        break;
      case "database-faults":
        database.faults = fault.faults;
        this.#later(fault.ms, () => {
          database.faults = NO_DATABASE_FAULTS;
        });
        break;
      default:
        fault satisfies never;
    }
  }

  #later(ms: number, act: () => void): void {
    this.#world.time.after(ms, WORLD, act);
  }

  /** Whatever is down comes up by itself; nothing more goes wrong. */
  heal(): void {
    const { broker, database } = this.#world;
    this.#isHealed = true;
    broker.faults = NO_BROKER_FAULTS;
    database.faults = NO_DATABASE_FAULTS;
    database.isUp = true;
  }

  /** Something was stored or sent: a process may have to die of it. */
  count(what: string): void {
    const count = (this.#counts.get(what) ?? 0) + 1;
    this.#counts.set(what, count);
    if (this.#isHealed) return;
    for (const trigger of this.#history.triggers) {
      if (trigger.what !== what || trigger.count !== count) continue;
      this.#later(trigger.delayMs, () => this.#crash(trigger.service, trigger.downMs));
    }
  }

  #start(service: ServiceName): void {
    this.#started += 1;
    const name = `${service}-${this.#started}`;
    this.#world.trace.add(() => `${name} starts`);
    this.#running.get(service)?.push(this.#run(service, name));
  }

  #run(service: ServiceName, name: string): Process {
    switch (service) {
      case "matcher":
        return runMatcher(this.#world, name);
      case "dispatcher":
        return runDispatcher(this.#world, name, (process) => this.#askProjector(process));
      case "projector": {
        const projector = runProjector(this.#world, name);
        this.#projectors.push(projector);
        return projector;
      }
      case "scheduler":
        return runScheduler(this.#world, name);
      default:
        return service satisfies never;
    }
  }

  #crash(service: ServiceName, downMs: number): void {
    const [process] = this.#running.get(service) ?? [];
    if (process !== undefined) this.#end(service, process, downMs);
  }

  #replace(ended: Process): void {
    for (const [service, processes] of this.#running) {
      if (processes.includes(ended)) this.#end(service, ended, RESTART_MS);
    }
  }

  #end(service: ServiceName, process: Process, downMs: number): void {
    this.#world.trace.add(() => `${process.actor.name} dies`);
    killProcess(this.#world, process);
    const others = this.#running.get(service)?.filter((one) => one !== process) ?? [];
    this.#running.set(service, others);
    this.#later(downMs, () => this.#start(service));
  }

  /** A projector's partitions go to another one meanwhile: it does not know that it was frozen. */
  #freeze(service: ServiceName, ms: number): void {
    const process = this.#running.get(service)?.[0];
    if (process === undefined) return;
    process.actor.frozenUntilMs = this.#world.time.nowMs + ms;
    if (service === "projector" && this.#running.get(service)?.length === 1) this.#start(service);
  }

  #restartBroker(downMs: number, forgetsAcks: boolean): void {
    const { broker, observed } = this.#world;
    if (!broker.isUp) return;
    observed.forgotten.push(observed.next());
    broker.stop();
    this.#later(downMs, () => broker.start(forgetsAcks));
  }

  #changeLeaders(): void {
    const { broker, partitions, observed } = this.#world;
    observed.forgotten.push(observed.next());
    for (const partition of partitions) {
      broker.changeLeader("INGEST", `matcher-ingest-${partition}`);
      broker.changeLeader("DELIVER", `dispatcher-deliver-${partition}`);
      broker.changeLeader("RETRY", `dispatcher-retry-${partition}`);
    }
  }

  /** One call of `Outcomes`, to the projector that was started last. */
  #askProjector({ actor }: Process): AskOutcomes {
    const { time } = this.#world;
    return (request, deadlineMs) =>
      new Promise((resolve, reject) => {
        const timeout = time.after(deadlineMs, actor, () => reject(new Error("the projector did not answer in time")));
        const answer = (act: () => void) => {
          timeout.isCancelled = true;
          time.after(CALL_MS, actor, act);
        };
        const projector = this.#projectors.at(-1);
        if (projector === undefined || projector.actor.isDead) return answer(() => reject(new Error("no projector")));
        time.after(CALL_MS, projector.actor, () => {
          projector.answer(request, deadlineMs).then(
            (response) => answer(() => resolve(response)),
            (error: unknown) => answer(() => reject(error)),
          );
        });
      });
  }
}
