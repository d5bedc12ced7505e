import { describe, expect, it } from "vitest";
import {
  ACCEPTED_AT_MS,
  bornParked,
  cancelled,
  created,
  deferred,
  exhausted,
  failed,
  retried,
  skipped,
  stateAfter,
  succeeded,
} from "./delivery.fixture.ts";
import type { DeliveryState } from "./delivery-state.ts";
import { type KeptState, restoredState } from "./restored-state.ts";

const LATER_MS = ACCEPTED_AT_MS + 60_000;

/** What a table keeps. */
function kept(state: DeliveryState): KeptState {
  return {
    status: state.kind,
    reason: "reason" in state ? state.reason : undefined,
    nextAtMs: "nextAtMs" in state ? state.nextAtMs : "notBeforeMs" in state ? state.notBeforeMs : undefined,
    completedAtMs: "completedAtMs" in state ? state.completedAtMs : undefined,
    isOnly: "isOnly" in state && state.isOnly,
  };
}

describe("a state that a table keeps", () => {
  it.each([
    ["pending", [created]],
    ["scheduled", [created, failed(1, LATER_MS)]],
    ["asked for once more", [created, succeeded(1), retried(2, 1, true)]],
    ["parked", [created, deferred(1, 1)]],
    ["born parked", [bornParked]],
    ["delivered", [created, succeeded(1)]],
    ["exhausted", [created, failed(1, undefined), exhausted("attempts_exhausted", 1)]],
    ["cancelled", [created, cancelled]],
    ["skipped", [skipped]],
  ])("comes back as it was: %s", (_title, events) => {
    const state = stateAfter(events);
    expect(restoredState(kept(state), state.progress)).toEqual(state);
  });

  const { progress } = stateAfter([created]);
  const parked = kept(stateAfter([created, deferred(1, 1)]));
  const ended = kept(stateAfter([created, cancelled]));
  it.each<[string, KeptState]>([
    ["a status that is none", { ...parked, status: "unheard_of" }],
    ["a reason that is none", { ...parked, reason: "unheard_of" }],
    ["a reason of another status", { ...ended, reason: "circuit_open" }],
    ["a wait without a time", { ...parked, nextAtMs: undefined }],
    ["a retry without a time", { ...parked, status: "scheduled", nextAtMs: undefined }],
    ["an end without a time", { ...ended, completedAtMs: undefined }],
    ["an end without a reason", { ...ended, reason: undefined }],
  ])("is none with %s", (_title, wrong) => {
    expect(restoredState(wrong, progress)).toBe(undefined);
  });
});
