/** One run: a world and its history from a seed, played until all is quiet, and judged. */

import { encodeConfigValue, encodeEventGroup, encodeSentinel } from "@posthorn/contracts";
import {
  type AcceptedEvent,
  type ConfigValue,
  type OrgId,
  parseEventId,
  partitionOf,
  type WebhookConfig,
} from "@posthorn/domain";
import { createSeededRandom } from "@posthorn/testkit";
import { replayInBatches } from "../../services/projector/src/handlers/replay-archive.ts";
import { BrokerModel, type BrokerWatch } from "./broker-model.ts";
import { DatabaseModel } from "./database-model.ts";
import { Faults } from "./faults.ts";
import {
  judgeDeliveries,
  judgeHits,
  judgeNamedMessages,
  judgeRebuilt,
  judgeReconciled,
  judgeRepeats,
} from "./judge-run.ts";
import type { Mutation } from "./mutations.ts";
import { contentOf, Observations } from "./observations.ts";
import { HEALED_AT_MS, type History, planHistory, sound, type WebhookChange } from "./plan-history.ts";
import { ReceiverModel } from "./receiver-model.ts";
import { emptyTables } from "./tables-model.ts";
import { Trace } from "./trace.ts";
import { type Actor, VirtualTime, WORLD } from "./virtual-time.ts";
import { newUuid, type World } from "./world.ts";

export type RunOptions = {
  readonly seed: number;
  readonly mutation: Mutation;
  /** Undefined: nobody looks. */
  readonly onTrace: ((line: string) => void) | undefined;
  /** Of the run that begins now, for the timers of this process. */
  readonly onTime: (time: VirtualTime) => void;
};

export type RunResult = {
  readonly problems: readonly string[];
  readonly events: number;
  readonly requests: number;
  readonly repeats: number;
  readonly virtualMs: number;
};

const START_MS = Date.UTC(2030, 0, 1);
/** Longer than any claim, lease, probe or remembered id takes to run out one after the other. */
const QUIET_WITHIN_MS = 12 * 60_000;
/** Far above what any history here leads to. */
const LOG_MESSAGES_MAX = 500;
const CONFIG = "$KV.config.";
/** A request that is not answered is sent again by its publisher. */
const PUBLISH_AGAIN_MS = 2_000;
const PUBLISHES_MAX = 20;

export async function runSeed({ seed, mutation, onTrace, onTime }: RunOptions): Promise<RunResult> {
  const time = new VirtualTime(START_MS);
  onTime(time);
  const random = createSeededRandom(seed);
  const history = planHistory(random);
  const observed = new Observations();
  const trace = new Trace(time, onTrace);
  const broker = new BrokerModel(time, random, streamsOf(history), tracedWatch(observed, trace));
  const partitions = [...new Set(history.orgs.map(partitionOf))];
  const world: World = {
    time,
    random,
    broker,
    database: new DatabaseModel(time, random),
    receivers: new ReceiverModel(time, random),
    observed,
    mutation,
    trace,
    partitions,
    onEnded: () => {},
  };
  return new Run(world, history).play();
}

class Run {
  readonly #world: World;
  readonly #history: History;
  readonly #faults: Faults;
  readonly #versions = new Map<string, number>();
  readonly #current = new Map<string, WebhookConfig>();
  #isQuiet = false;

  constructor(world: World, history: History) {
    this.#world = world;
    this.#history = history;
    this.#faults = new Faults(world, history);
  }

  async play(): Promise<RunResult> {
    const { time, broker, observed } = this.#world;
    broker.store("KV_config", `${CONFIG}sentinel`, encodeSentinel(START_MS), undefined);
    for (const id of this.#history.atFirst) this.#configure(id, "create");
    this.#faults.startAll();
    for (const step of this.#history.steps) time.at(START_MS + step.atMs, WORLD, () => this.#carryOut(step.happening));
    time.at(START_MS + HEALED_AT_MS, WORLD, () => this.#heal());
    observed.onCount = (what) => this.#faults.count(what);
    observed.onLogged = (event) => {
      if (event.kind === "webhook.disabled") this.#disableSoon(event.webhookId, event.configVersion);
    };
    time.onTick = () => {
      broker.tick();
      if (broker.stream("LOG").lastSequence > LOG_MESSAGES_MAX) observed.bug("I1: it does not come to rest");
      this.#isQuiet ||= this.#lookIfQuiet();
    };
    const endMs = START_MS + HEALED_AT_MS + QUIET_WITHIN_MS;
    await time.run(() => this.#isQuiet || observed.problems.length > 0 || time.nowMs > endMs);
    const virtualMs = time.nowMs - START_MS;
    const problems = [...observed.problems, ...(await this.#judge())];
    const { departures, accepted } = observed;
    const attempts = new Set(departures.map(({ item }) => `${item.deliveryId}:${item.attempt}`)).size;
    return {
      problems,
      events: accepted.length,
      requests: departures.length,
      repeats: departures.length - attempts,
      virtualMs,
    };
  }

  #carryOut(happening: History["steps"][number]["happening"]): void {
    const { trace, receivers } = this.#world;
    trace.add(() => JSON.stringify(happening));
    switch (happening.kind) {
      case "publish":
        this.#publish(happening.orgId, happening.types);
        break;
      case "configure":
        this.#configure(happening.webhookId, happening.change);
        break;
      case "mood":
        receivers.setMood(happening.webhookId, happening.mood);
        break;
      default:
        this.#faults.carryOut(happening);
    }
  }

  #heal(): void {
    this.#world.trace.add(() => "all is well from here on");
    this.#world.receivers.heal();
    this.#faults.heal();
    for (const { id, isActive, disabledByEngine } of [...this.#current.values()]) {
      if (!isActive && !disabledByEngine) this.#configure(id, { isActive: true });
    }
  }

  /** As ingest does: the same message under the same id until it is answered. */
  #publish(orgId: OrgId, types: readonly string[]): void {
    const { time, random, broker } = this.#world;
    const events = types.map((type): AcceptedEvent => {
      const text = `{"n": ${random.integer(0, 9)}.${random.integer(0, 99)}0, "type": "${type}"}`;
      return {
        id: sound(parseEventId(newUuid(random))),
        orgId,
        type,
        timestamp: undefined,
        acceptedAtMs: Math.floor(time.nowMs),
        data: Buffer.from(text),
        traceparent: "",
        callerId: undefined,
        forWebhook: undefined,
        hops: 0,
      };
    });
    const [id, data] = [newUuid(random), encodeEventGroup(events)];
    const attempt = (triesLeft: number) => {
      const answer = broker.isUp ? broker.publish("INGEST", `ingest.${partitionOf(orgId)}`, data, id) : undefined;
      if (answer === undefined && triesLeft > 0) time.after(PUBLISH_AGAIN_MS, WORLD, () => attempt(triesLeft - 1));
    };
    attempt(PUBLISHES_MAX);
  }

  /** As api does, whose answer goes out when the bucket has the value. */
  #configure(webhookId: string, change: WebhookChange): void {
    const { broker, observed, time } = this.#world;
    const made = this.#history.webhooks.find(({ id }) => id === webhookId);
    const before = change === "create" ? made : this.#current.get(webhookId);
    if (before === undefined) return;
    // While the bus is down api answers 503.
    if (!broker.isUp) {
      time.after(PUBLISH_AGAIN_MS, WORLD, () => this.#configure(webhookId, change));
      return;
    }
    const webhook = typeof change === "string" ? before : { ...before, ...change };
    const version = (this.#versions.get(webhookId) ?? 0) + 1;
    this.#versions.set(webhookId, version);
    const isDeleted = change === "delete";
    const value: ConfigValue = isDeleted ? { kind: "deleted", version } : { kind: "present", version, entry: webhook };
    const key = `${CONFIG}webhook.${before.orgId}.${webhookId}`;
    broker.store("KV_config", key, encodeConfigValue(value, Math.floor(time.nowMs)), undefined);
    if (isDeleted) this.#current.delete(webhookId);
    else this.#current.set(webhookId, webhook);
    const steps = observed.configuration.get(webhookId) ?? [];
    observed.configuration.set(webhookId, steps);
    steps.push({ order: observed.next(), webhook: isDeleted ? undefined : webhook });
  }

  #disableSoon(webhookId: string, judgedVersion: number): void {
    const { time, random } = this.#world;
    time.after(random.integer(20, 1_000), WORLD, () => {
      if (this.#versions.get(webhookId) !== judgedVersion) return;
      this.#configure(webhookId, { isActive: false, disabledByEngine: true });
    });
  }

  #lookIfQuiet(): boolean {
    const { time, broker, database, partitions } = this.#world;
    if (time.nowMs < START_MS + HEALED_AT_MS) return false;
    const { deliveries, projector_checkpoint } = database.tables;
    for (const row of deliveries.values()) if (row.completed_at === null) return false;
    const isEmpty = (stream: string) => broker.stream(stream).messages.every(({ isGone }) => isGone);
    if (!isEmpty("DELIVER") || !isEmpty("RETRY")) return false;
    return partitions.every((partition) => {
      const matcher = broker.consumer("INGEST", `matcher-ingest-${partition}`);
      if (matcher === undefined || !matcher.isAtEnd || matcher.ackPending > 0) return false;
      const last = broker.stream("LOG").lastOf(`log.${partition}`);
      return last === undefined || projector_checkpoint.get(String(partition))?.sequence === last.sequence;
    });
  }

  async #judge(): Promise<readonly string[]> {
    const { observed, database, receivers } = this.#world;
    return [
      ...judgeDeliveries(observed, database.tables, receivers.hits),
      ...judgeHits(receivers.hits, database.tables),
      ...judgeReconciled(observed, database.tables),
      ...judgeRepeats(observed, database.tables),
      ...judgeNamedMessages(database.tables),
      ...judgeRebuilt(database.tables, await this.#rebuild()),
    ];
  }

  /** With the projector's own replay, into empty tables beside the archive. */
  async #rebuild(): Promise<DatabaseModel> {
    const { time, random, database } = this.#world;
    const { delivery_log, projector_checkpoint } = database.tables;
    const rebuilt = new DatabaseModel(time, random, { ...emptyTables(), delivery_log, projector_checkpoint });
    const actor: Actor = { name: "rebuild", isDead: false, frozenUntilMs: 0 };
    let isDone = false;
    time.after(0, actor, () => {
      void replayInBatches(rebuilt.poolOf(actor), new Map(), () => {}).then(() => {
        isDone = true;
      });
    });
    this.#faults.stopAll();
    await time.run(() => isDone);
    return rebuilt;
  }
}

function tracedWatch(observed: Observations, trace: Trace): BrokerWatch {
  return {
    stored: (stream, stored) => {
      trace.add(() => `${stream} ${stored.sequence} stored: ${contentOf(stream, stored.data)}`);
      observed.stored(stream, stored);
    },
    duplicate: (stream, held, data) => {
      trace.add(() => `${stream} ${held.sequence} is known already: ${contentOf(stream, data)}`);
      observed.duplicate(stream, held, data);
    },
    acknowledged: (stream, { sequence }) => trace.add(() => `${stream} ${sequence} acknowledged`),
  };
}

function streamsOf({ dedupeMs }: History) {
  const limits = { kind: "limits", epochMs: START_MS, dedupeMs } as const;
  const queue = { kind: "work-queue", epochMs: START_MS, dedupeMs } as const;
  return [
    { ...limits, name: "INGEST" },
    { ...limits, name: "LOG" },
    { ...queue, name: "DELIVER" },
    { ...queue, name: "RETRY" },
    { ...limits, kind: "last-value", name: "KV_config" },
  ] as const;
}
