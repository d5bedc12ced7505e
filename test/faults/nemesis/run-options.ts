/** The command line of `npm run faults`: what is done to a stack, for how long, and under which load. */

import { parseArgs } from "node:util";
import type { NatsLayout } from "../../../deploy/local/nats-layout.ts";
import { SERVICE_NAMES, SERVICES } from "../../../deploy/local/service-table.ts";
import { INSTANCES_MAX, type InstanceCounts, ONE_OF_EACH } from "../../../deploy/local/start-arguments.ts";

export type RunOptions = {
  /** Decides the acts, their order and times, and which requests fail. */
  readonly seed: number;
  /** Of faults and load together; in an outage run this long before it and as long after it. */
  readonly minutes: number;
  readonly eventsPerSecond: number;
  /** Webhooks that match each event. */
  readonly fanOut: number;
  /** Their events lie in several partitions. */
  readonly organisations: number;
  /** Of all requests, by chance: 0.1 is every tenth. */
  readonly failingShare: number;
  readonly natsLayout: NatsLayout;
  readonly counts: InstanceCounts;
  /** Targets, and acts on one ("kill dispatcher"), that do not happen. */
  readonly spared: readonly string[];
  /** Instead of the nemesis, Postgres alone is down for this long; 0: it is a target like the others. */
  readonly postgresDownMinutes: number;
};

export type ParsedOptions =
  | { readonly kind: "parsed"; readonly options: RunOptions }
  | { readonly kind: "refused"; readonly message: string };

type Bounds = { readonly min: number; readonly max: number; readonly isWhole: boolean };

const NUMBERS = {
  seed: { default: 1, min: 0, max: 2 ** 32 - 1, isWhole: true },
  minutes: { default: 10, min: 0.05, max: 1_440, isWhole: false },
  rate: { default: 300, min: 1, max: 5_000, isWhole: true },
  "fan-out": { default: 2, min: 1, max: 50, isWhole: true },
  organisations: { default: 8, min: 1, max: 100, isWhole: true },
  "failing-percent": { default: 10, min: 0, max: 90, isWhole: false },
  "postgres-down": { default: 0, min: 0, max: 60, isWhole: false },
} as const satisfies Record<string, Bounds & { readonly default: number }>;
type NumberName = keyof typeof NUMBERS;

/** Before and after an outage of Postgres, unless `--minutes` says otherwise. */
const AROUND_OUTAGE_MINUTES = 0.5;

/** Refuses in one sentence. */
export function parseRunOptions(args: readonly string[]): ParsedOptions {
  const texts = readTexts(args);
  if (texts.kind === "refused") return texts;
  const numbers: Record<string, number> = {};
  for (const [name, bounds] of Object.entries(allNumbers())) {
    const value = numberWithin(texts.values[name], bounds);
    if (value === undefined) return refuseNumber(name, texts.values[name], bounds);
    numbers[name] = value;
  }
  const numberOf = (name: NumberName) => numbers[name] ?? NUMBERS[name].default;
  const postgresDownMinutes = numberOf("postgres-down");
  const isOutage = postgresDownMinutes > 0 && texts.values.minutes === undefined;
  return {
    kind: "parsed",
    options: {
      seed: numberOf("seed"),
      minutes: isOutage ? AROUND_OUTAGE_MINUTES : numberOf("minutes"),
      eventsPerSecond: numberOf("rate"),
      fanOut: numberOf("fan-out"),
      organisations: numberOf("organisations"),
      failingShare: numberOf("failing-percent") / 100,
      natsLayout: texts.isCluster ? "cluster" : "single",
      counts: Object.fromEntries(
        SERVICE_NAMES.map((service) => [service, numbers[SERVICES[service].countFlag]]),
      ) as InstanceCounts, // every service has a flag, and every flag a number by now
      spared: texts.spared,
      postgresDownMinutes,
    },
  };
}

type Texts =
  | {
      readonly kind: "read";
      readonly values: Readonly<Record<string, string | undefined>>;
      readonly isCluster: boolean;
      readonly spared: readonly string[];
    }
  | { readonly kind: "refused"; readonly message: string };

function readTexts(args: readonly string[]): Texts {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...Object.fromEntries(Object.keys(allNumbers()).map((name) => [name, { type: "string" as const }])),
        "nats-cluster": { type: "boolean" },
        spare: { type: "string", multiple: true },
      },
    });
    const { "nats-cluster": isCluster, spare = [], ...rest } = values;
    const texts = Object.fromEntries(Object.entries(rest).map(([name, text]) => [name, String(text)]));
    return { kind: "read", values: texts, isCluster: isCluster === true, spared: spare };
  } catch (error) {
    const known = [...Object.keys(allNumbers()), "nats-cluster", "spare"].map((name) => `--${name}`).join(", ");
    const reason = error instanceof Error ? error.message.split(".")[0] : String(error);
    return { kind: "refused", message: `${reason}; npm run faults knows ${known}.` };
  }
}

/** The instances of a service are a number, too. */
function allNumbers(): Readonly<Record<string, Bounds & { readonly default: number }>> {
  const counts = SERVICE_NAMES.map((service) => [
    SERVICES[service].countFlag,
    { default: ONE_OF_EACH[service], min: 1, max: INSTANCES_MAX, isWhole: true },
  ]);
  return { ...NUMBERS, ...Object.fromEntries(counts) };
}

function numberWithin(text: string | undefined, bounds: Bounds & { readonly default: number }): number | undefined {
  if (text === undefined) return bounds.default;
  const value = Number(text);
  const isSound = text.trim() !== "" && Number.isFinite(value) && (!bounds.isWhole || Number.isInteger(value));
  return isSound && value >= bounds.min && value <= bounds.max ? value : undefined;
}

function refuseNumber(name: string, text: string | undefined, { min, max, isWhole }: Bounds): ParsedOptions {
  const what = isWhole ? "a whole number" : "a number";
  return { kind: "refused", message: `--${name} is "${text}"; it must be ${what} from ${min} to ${max}.` };
}
