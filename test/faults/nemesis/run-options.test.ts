import { describe, expect, it } from "vitest";
import { ONE_OF_EACH } from "../../../deploy/local/start-arguments.ts";
import { parseRunOptions } from "./run-options.ts";

function optionsOf(...args: string[]) {
  const parsed = parseRunOptions(args);
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return parsed.options;
}

describe("the arguments of a fault run", () => {
  it("may be left out", () => {
    expect(optionsOf()).toEqual({
      seed: 1,
      minutes: 10,
      eventsPerSecond: 300,
      fanOut: 2,
      organisations: 8,
      failingShare: 0.1,
      natsLayout: "single",
      counts: ONE_OF_EACH,
      spared: [],
      postgresDownMinutes: 0,
    });
  });

  it("say how many of a service, what is spared, and that NATS is a cluster", () => {
    const options = optionsOf(
      "--dispatchers",
      "2",
      "--spare",
      "nats",
      "--spare=kill api",
      "--nats-cluster",
      "--seed=9",
    );
    expect(options).toMatchObject({ natsLayout: "cluster", spared: ["nats", "kill api"], seed: 9 });
    expect(options.counts).toEqual({ ...ONE_OF_EACH, dispatcher: 2 });
  });

  it("need no minutes for an outage of Postgres, and may have some", () => {
    expect(optionsOf("--postgres-down", "3")).toMatchObject({ minutes: 0.5, postgresDownMinutes: 3 });
    expect(optionsOf("--postgres-down", "3", "--minutes", "1")).toMatchObject({ minutes: 1 });
  });

  it.each([
    [["--minutes", "0"], '--minutes is "0"; it must be a number from 0.05 to 1440.'],
    [["--seed", "1.5"], '--seed is "1.5"; it must be a whole number from 0 to 4294967295.'],
    [["--rate", ""], '--rate is ""; it must be a whole number from 1 to 5000.'],
    [["--dispatchers", "17"], '--dispatchers is "17"; it must be a whole number from 1 to 16.'],
  ])("are refused in one sentence: %j", (args, message) => {
    expect(parseRunOptions(args)).toEqual({ kind: "refused", message });
  });

  it("are refused by the names of those there are", () => {
    const refused = parseRunOptions(["--minute", "3"]);
    expect(refused).toMatchObject({ kind: "refused", message: expect.stringContaining("knows --seed, --minutes") });
  });
});
