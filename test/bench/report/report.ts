/** What a run of the bench found, as bench.json holds it. */

import type { Costs, Figure, ScenarioResult, Size } from "../scenario.ts";

/** Posts per second by the kind of key that the loop signs with; see bare-loop.ts. */
export type BareLoops = { readonly bytes: number; readonly object: number };

export type Circumstances = {
  /** Of the project whose services ran. */
  readonly commit: string;
  /** Files differed from the commit. */
  readonly isChanged: boolean;
  /** When it began: RFC 3339, UTC. */
  readonly date: string;
  readonly node: string;
  readonly cpu: string;
  readonly cores: number;
  readonly size: Size;
  readonly receiver: "nginx" | "node";
  /** Who makes single requests. */
  readonly generator: "wrk" | "node";
};

/** What receiver and generator can do without the engine between them. */
export type Bounds = {
  /** Batches of events straight to the receiver, as the generator sends them to ingest. */
  readonly batchEventsPerSecond: number;
  readonly singleRequestsPerSecond: number;
};

/** A rate has its ratio to the bare loop that signs with the same key as every attempt does, and to the harder one. */
export type ReportedFigure = Figure & { readonly ratio?: BareLoops; readonly isMet?: boolean };

export type ReportedResult = {
  readonly name: string;
  readonly figures: readonly ReportedFigure[];
  readonly costs: Costs | undefined;
};

export type Report = Circumstances & {
  readonly bareLoop: { readonly before: BareLoops; readonly after: BareLoops; readonly best: BareLoops };
  readonly bounds: Bounds;
  readonly results: readonly ReportedResult[];
};

export type Measured = {
  readonly before: BareLoops;
  readonly after: BareLoops;
  readonly bounds: Bounds;
  readonly results: readonly ScenarioResult[];
};

/** The better of the two bare loops counts: a machine that was busy for a moment must not make the engine look good. */
export function makeReport(circumstances: Circumstances, { before, after, bounds, results }: Measured): Report {
  const best = { bytes: Math.max(before.bytes, after.bytes), object: Math.max(before.object, after.object) };
  return {
    ...circumstances,
    bareLoop: { before, after, best },
    bounds,
    results: results.map((result) => ({
      ...result,
      figures: result.figures.map((figure) => reported(figure, best)),
    })),
  };
}

function reported(figure: Figure, best: BareLoops): ReportedFigure {
  const ratio = { bytes: figure.value / best.bytes, object: figure.value / best.object };
  return {
    ...figure,
    ...(figure.unit === "/s" ? { ratio } : {}),
    ...(figure.aim === undefined ? {} : { isMet: isMet(figure, ratio.bytes) }),
  };
}

function isMet({ value, aim }: Figure, ratio: number): boolean {
  switch (aim?.kind) {
    case "at-least":
      return value >= aim.value;
    case "at-most":
      return value <= aim.value;
    case "ratio-at-least":
      return ratio >= aim.value;
    case undefined:
      return true;
    default:
      return aim satisfies never;
  }
}
