/** Two versions side by side: the middle of what each showed in rounds that took turns. */

import type { ScenarioResult, Unit } from "../scenario.ts";
import { number } from "./print-report.ts";
import { quantile } from "./quantile.ts";
import { type Column, table } from "./table.ts";

export type ComparedFigure = {
  readonly scenario: string;
  readonly figure: string;
  readonly unit: Unit;
  /** In the order of the rounds. */
  readonly base: readonly number[];
  readonly changed: readonly number[];
};

const COLUMNS: readonly Column[] = [
  { title: "scenario", align: "left" },
  { title: "figure", align: "left" },
  { title: "", align: "left" },
  { title: "there", align: "right" },
  { title: "here", align: "right" },
  { title: "change", align: "right" },
  { title: "all rounds there", align: "left" },
  { title: "all rounds here", align: "left" },
];

/** What one round of both versions gave. */
export type Round = { readonly base: readonly ScenarioResult[]; readonly changed: readonly ScenarioResult[] };

/** Every figure, and each process's CPU time for one delivery or event. Figures that only one version has are left out. */
export function compareRounds(rounds: readonly Round[]): readonly ComparedFigure[] {
  const base = rounds.map((round) => valuesOf(round.base));
  const changed = rounds.map((round) => valuesOf(round.changed));
  return (base[0] ?? []).flatMap(({ scenario, figure, unit }) => {
    const values = (side: readonly (readonly Value[])[]) =>
      side.flatMap((round) => {
        const found = round.find((value) => value.scenario === scenario && value.figure === figure);
        return found === undefined ? [] : [found.value];
      });
    const compared = { scenario, figure, unit, base: values(base), changed: values(changed) };
    return compared.changed.length === 0 ? [] : [compared];
  });
}

export function printComparison(figures: readonly ComparedFigure[]): readonly string[] {
  const rows = figures.map(({ scenario, figure, unit, base, changed }, index) => {
    const [there, here] = [quantile(base, 0.5), quantile(changed, 0.5)];
    const isFirst = figures[index - 1]?.scenario !== scenario;
    const change = there === 0 ? "" : `${here >= there ? "+" : ""}${((here / there - 1) * 100).toFixed(1)}%`;
    const rounds = [base, changed].map((values) => values.map(number).join(" "));
    return [isFirst ? scenario : "", figure, unit, number(there), number(here), change, ...rounds];
  });
  return table(COLUMNS, rows);
}

type Value = { readonly scenario: string; readonly figure: string; readonly unit: Unit; readonly value: number };

function valuesOf(results: readonly ScenarioResult[]): readonly Value[] {
  return results.flatMap(({ name: scenario, figures, costs }): readonly Value[] => [
    ...figures.map(({ name, unit, value }) => ({ scenario, figure: name, unit, value })),
    ...Object.entries(costs?.byProcess ?? {}).map(([process, { cpuMicros }]) => ({
      scenario,
      figure: `CPU of ${process} per ${costs?.per}`,
      unit: "µs" as const,
      value: cpuMicros,
    })),
  ]);
}
