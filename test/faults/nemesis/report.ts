/** The result of a run as a table, and whether it is clean. */

import { SERVICE_NAMES, SERVICES } from "../../../deploy/local/service-table.ts";
import type { Act } from "./act-log.ts";
import type { Attacked } from "./attack.ts";
import type { Finding, Verdict } from "./check-run.ts";
import type { Explanation } from "./explain-repeat.ts";
import type { OutageResult, PartRates } from "./postgres-outage.ts";
import type { ProbeCounts } from "./probe-configuration.ts";
import type { RunOptions } from "./run-options.ts";
import type { RebuildVerdict } from "./verify-rebuild.ts";

export type RunReport = {
  readonly options: RunOptions;
  readonly verdict: Verdict;
  readonly acts: readonly Act[];
  /** Answers to publishes other than 202, by status; 0: none. Each was tried again. */
  readonly refused: ReadonlyMap<number, number>;
  /** Events that nobody accepted to the end. */
  readonly unaccepted: number;
  readonly probes: ProbeCounts;
  /** All that receivers got. */
  readonly requests: number;
  readonly silencesMs: Attacked["silencesMs"];
  /** From the end of the faults until history had every end; undefined: not in time. */
  readonly drainedMs: number | undefined;
  readonly outage: OutageResult | undefined;
  readonly reported: {
    /** Attempts that the log marks as possible repeats. */
    readonly marked: number;
    /** Outcomes that history counts for attempts that had one. */
    readonly counted: number;
    /** Counters of the services; what a process counted in its last second is missing. */
    readonly figures: ReadonlyMap<string, number>;
  };
  readonly alarms: readonly string[];
  readonly rebuild: RebuildVerdict;
  readonly tookMs: number;
};

/** A publish may be refused while ingest or what it needs is down, and in no other way. */
const REFUSALS_ALLOWED: readonly number[] = [0, 503];
const EXAMPLES_MAX = 8;
const LABEL_WIDTH = 24;

/** What is wrong, one sentence each; empty when the run is clean. */
export function faultsOf(report: RunReport): readonly string[] {
  const { verdict, rebuild, drainedMs, outage, refused, unaccepted, alarms } = report;
  const strange = [...refused.keys()].filter((status) => !REFUSALS_ALLOWED.includes(status));
  return [
    ...[...byKind(verdict.findings)].map(([kind, findings]) => `${findings.length} x ${kind}`),
    ...(drainedMs === undefined ? ["not everything ended in time"] : []),
    ...(outage !== undefined && outage.caughtUpMs === undefined ? ["history did not catch up in time"] : []),
    ...(unaccepted === 0 ? [] : [`${unaccepted} events were never accepted`]),
    ...(strange.length === 0 ? [] : [`publishes were answered with ${strange.join(", ")}`]),
    ...(alarms.length === 0 ? [] : [`${alarms.length} alarms`]),
    ...(rebuild.isEqual ? [] : ["the rebuilt projections are not the live ones"]),
  ];
}

export function renderReport(report: RunReport): string {
  const faults = faultsOf(report);
  return [
    ...loadLines(report),
    ...actLines(report),
    ...repeatLines(report),
    ...historyLines(report),
    ...findingLines(report),
    line("reproduce", commandOf(report.options)),
    faults.length === 0 ? "CLEAN: nothing lost, every repeat explained and reported" : `FAULTS: ${faults.join("; ")}`,
  ].join("\n");
}

function loadLines({ verdict, refused, probes, requests, unaccepted, outage }: RunReport): readonly string[] {
  const { events, deliveries, delivered, ended, findings } = verdict;
  const others = [...ended].map(([end, count]) => `${count} ${end}`);
  const lost = findings.filter(({ kind }) => kind === "lost" || kind === "lost by the stream").length;
  return [
    line("accepted", `${events} events, ${deliveries} deliveries, ${unaccepted} events given up`),
    line("refused and tried again", [...refused].map(([status, n]) => `${n} x ${status || "no answer"}`).join(", ")),
    line("delivered", String(delivered)),
    line("ended otherwise", others.join(", ")),
    line("LOST", String(lost)),
    line("requests to receivers", String(requests)),
    line(
      "webhooks come and gone",
      `${probes.created} created, ${probes.deleted} deleted, ${probes.undecided} undecided`,
    ),
    ...(outage === undefined ? [] : outageLines(outage)),
  ];
}

function outageLines({ rates: { before, during, after }, caughtUpMs }: OutageResult): readonly string[] {
  const describe = ({ seconds: lengthS, accepted, firstAttempts }: PartRates) => {
    const perSecond = `${accepted.toFixed(1)} events/s accepted, ${firstAttempts.toFixed(1)} first attempts/s`;
    return `${perSecond} over ${lengthS.toFixed(0)} s`;
  };
  return [
    line("before the outage", describe(before)),
    line("Postgres down", describe(during)),
    line("Postgres back", describe(after)),
    line("history caught up", caughtUpMs === undefined ? "NOT IN TIME" : `${seconds(caughtUpMs)} after it was back`),
  ];
}

function actLines({ acts, silencesMs, tookMs }: RunReport): readonly string[] {
  const lines = (["kill", "freeze", "restart", "down"] as const).flatMap((kind) => {
    const ofKind = acts.filter((act) => act.kind === kind);
    if (ofKind.length === 0) return [];
    const targets = [...countBy(ofKind.map(({ target }) => target))].map(([target, count]) => `${target} ${count}`);
    return [line(`acts: ${kind}`, `${ofKind.length} (${targets.sort().join(", ")})`)];
  });
  const backMs = acts
    .filter(({ kind }) => kind === "kill" || kind === "restart")
    .flatMap(({ fromMs, untilMs }) => (untilMs === undefined ? [] : [untilMs - fromMs]))
    .sort((a, b) => a - b);
  const median = backMs[Math.floor(backMs.length / 2)];
  const { publishes, requests } = silencesMs;
  const silences = `${seconds(publishes)} without an accepted event, ${seconds(requests)} without a request`;
  return [
    ...lines,
    ...(median === undefined
      ? []
      : [line("dead until ready again", `median ${seconds(median)}, at most ${seconds(backMs.at(-1) ?? median)}`)]),
    line("longest silences", silences),
    line("took", seconds(tookMs)),
  ];
}

function repeatLines({ verdict: { repeats }, reported }: RunReport): readonly string[] {
  const explained = repeats.flatMap(({ explanation }) => reasonOf(explanation) ?? []);
  const unreported = repeats.filter(({ isReported }) => !isReported).length;
  return [
    line("repeats", `${repeats.length}, explained ${explained.length}, reported ${repeats.length - unreported}`),
    ...[...countBy(explained)].sort(([, a], [, b]) => b - a).map(([why, n]) => line("", `${n} x ${why}`)),
    line("Posthorn reports", `${reported.marked} possible repeats in its log, ${reported.counted} outcomes twice`),
    ...[...reported.figures].map(([name, value]) => line("", `${name} ${value}`)),
  ];
}

function reasonOf(explanation: Explanation): string | undefined {
  switch (explanation.kind) {
    case "explained":
      return `${explanation.as}, ${explanation.act.kind} ${explanation.act.target}`;
    case "redone":
      return "receiver broke a connection that it had kept open";
    case "unexplained":
      return undefined;
  }
}

function historyLines({ drainedMs, rebuild, alarms }: RunReport): readonly string[] {
  return [
    line("history complete", drainedMs === undefined ? "NOT IN TIME" : `${seconds(drainedMs)} after the last fault`),
    line("rebuilt projections", rebuild.isEqual ? "equal, row by row" : `DIFFERENT\n${rebuild.output}`),
    ...alarms.slice(0, EXAMPLES_MAX).map((text) => line("alarm", text)),
  ];
}

function findingLines({ verdict }: RunReport): readonly string[] {
  return [...byKind(verdict.findings)].flatMap(([kind, findings]) => [
    line(kind, `${findings.length}, such as`),
    ...findings.slice(0, EXAMPLES_MAX).map(({ deliveryId, detail }) => line("", `${deliveryId}: ${detail}`)),
  ]);
}

/** The command that makes the same plan again. */
export function commandOf(options: RunOptions): string {
  const percent = options.failingShare * 100;
  const counts = SERVICE_NAMES.filter((service) => options.counts[service] > 1);
  return [
    `npm run faults -- --minutes ${options.minutes} --seed ${options.seed} --rate ${options.eventsPerSecond}`,
    `--fan-out ${options.fanOut} --organisations ${options.organisations} --failing-percent ${percent}`,
    ...(options.natsLayout === "cluster" ? ["--nats-cluster"] : []),
    ...(options.postgresDownMinutes > 0 ? [`--postgres-down ${options.postgresDownMinutes}`] : []),
    ...counts.map((service) => `--${SERVICES[service].countFlag} ${options.counts[service]}`),
    ...options.spared.map((name) => `--spare "${name}"`),
  ].join(" ");
}

function byKind(findings: readonly Finding[]): Map<string, Finding[]> {
  return Map.groupBy(findings, ({ kind }) => kind);
}

function countBy(names: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_WIDTH)} ${text === "" ? "none" : text}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
