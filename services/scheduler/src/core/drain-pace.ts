/**
 * The pace at which a webhook's parked deliveries are released, found by asking the receiver: it doubles with every
 * quiet second and is halved when the receiver asks for less. Near the pace that was too much last time it grows
 * slowly. A receiver that refuses a few whatever the pace does not ask for less.
 */

export type DrainPace = {
  readonly perSecond: number;
  /** Deliveries that may be released now. */
  readonly credit: number;
  readonly refilledAtMs: number;
  readonly changedAtMs: number;
  readonly lastChange: "up" | "down";
  /** Released at this pace. */
  readonly spent: number;
  /** And at the pace before: what came of it may be known only now. */
  readonly spentBefore: number;
  /** How often the receiver has asked for less since the pace was changed. */
  readonly asked: number;
  /** When the receiver last asked for less. */
  readonly congestedAtMs: number;
  readonly congestedCount: number;
  /** The pace that was too much; infinite: none was yet. */
  readonly tooMuchPerSecond: number;
};

export const PER_SECOND_AT_FIRST = 10;
const PER_SECOND_MIN = 1;
export const PER_SECOND_MAX = 5_000;
const QUIET_MS = 1_000;
const SLOW_GROWTH = 1.1;
/** A share of time-outs, 429 and 503 that says nothing of the pace; a single one never does. */
const TOLERATED_SHARE = 0.1;
/** A pace that was not made use of says nothing of the receiver. */
const USED_SHARE_MIN = 0.5;

export function startPace(nowMs: number, congestedCount: number): DrainPace {
  return {
    perSecond: PER_SECOND_AT_FIRST,
    credit: PER_SECOND_AT_FIRST,
    refilledAtMs: nowMs,
    changedAtMs: nowMs,
    lastChange: "up",
    spent: 0,
    spentBefore: 0,
    asked: 0,
    congestedAtMs: Number.NEGATIVE_INFINITY,
    congestedCount,
    tooMuchPerSecond: Number.POSITIVE_INFINITY,
  };
}

export type DrainSigns = {
  readonly nowMs: number;
  /** Of the webhook's health: time-outs, 429, 503. */
  readonly congestedCount: number;
  /** Deliveries that were released lately and are parked again. */
  readonly cameBack: number;
};

export function nextPace(before: DrainPace, signs: DrainSigns): DrainPace {
  const { nowMs, congestedCount } = signs;
  const pace = nowMs < before.refilledAtMs ? afterClockSetBack(before, nowMs) : before;
  const asked = pace.asked + congestedCount - pace.congestedCount;
  const isMoreThanTolerated = asked > 1 && asked > TOLERATED_SHARE * (pace.spent + pace.spentBefore);
  const isCongested = (congestedCount > pace.congestedCount && isMoreThanTolerated) || signs.cameBack > 0;
  const changed = isCongested ? slower({ ...pace, asked }, nowMs) : faster({ ...pace, asked }, nowMs);
  const credit = pace.credit + (pace.perSecond * (nowMs - pace.refilledAtMs)) / 1_000;
  return {
    ...changed,
    congestedCount,
    congestedAtMs: isCongested ? nowMs : pace.congestedAtMs,
    refilledAtMs: nowMs,
    credit: Math.min(credit, changed.perSecond),
  };
}

/** It all happened just now, as far as anybody can tell. */
function afterClockSetBack(pace: DrainPace, nowMs: number): DrainPace {
  const congestedAtMs = Math.min(pace.congestedAtMs, nowMs);
  return { ...pace, refilledAtMs: nowMs, changedAtMs: nowMs, congestedAtMs };
}

/** Whole deliveries only, so that slow paces save up for them. */
export function rowsNow(pace: DrainPace): number {
  return Math.floor(Math.max(pace.credit, 0));
}

export function spend(pace: DrainPace, released: number): DrainPace {
  return { ...pace, credit: pace.credit - released, spent: pace.spent + released };
}

/** What was under way at the pace before still comes in for a while: it is halved once in that time. */
function slower(pace: DrainPace, nowMs: number): DrainPace {
  if (pace.lastChange === "down" && nowMs - pace.changedAtMs < QUIET_MS) return pace;
  return {
    ...pace,
    perSecond: Math.max(PER_SECOND_MIN, pace.perSecond / 2),
    tooMuchPerSecond: pace.perSecond,
    changedAtMs: nowMs,
    lastChange: "down",
    ...counters(pace),
  };
}

function faster(pace: DrainPace, nowMs: number): DrainPace {
  if (nowMs - Math.max(pace.changedAtMs, pace.congestedAtMs) < QUIET_MS) return pace;
  if (pace.spent < pace.perSecond * USED_SHARE_MIN) return pace;
  const isNear = pace.perSecond * 2 >= pace.tooMuchPerSecond;
  const perSecond = Math.min(PER_SECOND_MAX, pace.perSecond * (isNear ? SLOW_GROWTH : 2));
  return { ...pace, perSecond, changedAtMs: nowMs, lastChange: "up", ...counters(pace) };
}

function counters({ spent }: DrainPace) {
  return { spent: 0, spentBefore: spent, asked: 0 };
}
