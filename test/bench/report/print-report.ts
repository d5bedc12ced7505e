/** A report as the lines that `npm run bench` prints. */

import type { Aim, ProcessCost, Unit } from "../scenario.ts";
import type { Report, ReportedFigure, ReportedResult } from "./report.ts";
import { type Column, table } from "./table.ts";

const FIGURE_COLUMNS: readonly Column[] = [
  { title: "scenario", align: "left" },
  { title: "figure", align: "left" },
  { title: "value", align: "right" },
  { title: "of bare loop", align: "right" },
  { title: "prepared key", align: "right" },
  { title: "aim", align: "left" },
];

export function printReport(report: Report): readonly string[] {
  const { before, after } = report.bareLoop;
  const { bounds } = report;
  const costs = report.results.filter((result) => result.costs !== undefined);
  return [
    `commit ${report.commit}${report.isChanged ? " with changes" : ""}, ${report.date}, size ${report.size}`,
    `${report.cores} cores of ${report.cpu}, Node ${report.node}, receiver ${report.receiver}, load by ${report.generator}`,
    `bare loop (one process signs and POSTs over 64 connections): ${posts(before.bytes)} before, ${posts(after.bytes)} after;`,
    `  with a prepared key ${posts(before.object)} before, ${posts(after.object)} after. The better one counts.`,
    `generator straight to the receiver: ${number(bounds.batchEventsPerSecond)} events/s in batches, ` +
      `${number(bounds.singleRequestsPerSecond)} single requests/s`,
    "",
    ...table(FIGURE_COLUMNS, report.results.flatMap(figureRows)),
    ...costTable("CPU µs for one delivery or event", costs, (cost) => number(cost.cpuMicros), true),
    ...costTable("CPU, % of one core", costs, (cost) => number(cost.cpuPercent), true),
    ...costTable("memory at the end, MB (PSS)", costs, (cost) => number(cost.memoryMb), false),
  ];
}

function figureRows({ name, figures }: ReportedResult): readonly (readonly string[])[] {
  return figures.map((figure, index) => [
    index === 0 ? name : "",
    figure.name,
    valueText(figure),
    figure.ratio === undefined ? "" : figure.ratio.bytes.toFixed(3),
    figure.ratio === undefined ? "" : figure.ratio.object.toFixed(3),
    aimText(figure),
  ]);
}

/** A column for each process that any of the scenarios has. */
function costTable(
  title: string,
  results: readonly ReportedResult[],
  cell: (cost: ProcessCost) => string,
  hasSum: boolean,
): readonly string[] {
  if (results.length === 0) return [];
  const processes = [...new Set(results.flatMap(({ costs }) => Object.keys(costs?.byProcess ?? {})))];
  const columns: readonly Column[] = [
    { title: "scenario", align: "left" },
    ...processes.map((name): Column => ({ title: name, align: "right" })),
    ...(hasSum ? [{ title: "all", align: "right" } as const] : []),
  ];
  const rows = results.map(({ name, costs }) => {
    const byProcess = costs?.byProcess ?? {};
    const cells = processes.map((process) => {
      const cost = byProcess[process];
      return cost === undefined ? "" : cell(cost);
    });
    return [name, ...cells, ...(hasSum ? [cell(sum(Object.values(byProcess)))] : [])];
  });
  return ["", title, ...table(columns, rows)];
}

function sum(costs: readonly ProcessCost[]): ProcessCost {
  return costs.reduce((total, cost) => ({
    cpuMicros: total.cpuMicros + cost.cpuMicros,
    cpuPercent: total.cpuPercent + cost.cpuPercent,
    memoryMb: total.memoryMb + cost.memoryMb,
  }));
}

function aimText({ aim, isMet }: ReportedFigure): string {
  return aim === undefined ? "" : `${aimWords(aim)} ${isMet === true ? "met" : "MISSED"}`;
}

function aimWords(aim: Aim): string {
  switch (aim.kind) {
    case "at-least":
      return `>= ${number(aim.value)}`;
    case "at-most":
      return `<= ${number(aim.value)}`;
    case "ratio-at-least":
      return `>= ${aim.value.toFixed(3)} of bare loop`;
    default:
      return aim satisfies never;
  }
}

function valueText({ value, unit }: ReportedFigure): string {
  return `${number(value)}${Number.isFinite(value) ? unitText(unit) : ""}`;
}

function unitText(unit: Unit): string {
  return unit === "/s" || unit === "%" ? unit : unit === "" ? "" : ` ${unit}`;
}

function posts(perSecond: number): string {
  return `${number(perSecond)}/s`;
}

/** As precise as it is worth. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "none";
  const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
}
