import { describe, expect, it, vi } from "vitest";
import { createHealth } from "./health.ts";

describe("health", () => {
  it("is starting until started, ready then, and stopping in the end", () => {
    const health = createHealth();
    expect(health.report()).toEqual({ status: "starting", dependencies: {} });
    health.started();
    expect(health.report().status).toBe("ready");
    health.stopping();
    health.started();
    expect(health.report().status).toBe("stopping");
  });

  it("takes a dependency for down until its owner says otherwise", () => {
    const health = createHealth();
    health.started();
    const nats = health.dependency("nats");
    const postgres = health.dependency("postgres");
    expect(health.report()).toEqual({
      status: "degraded",
      dependencies: {
        nats: { status: "down", reason: "not connected yet" },
        postgres: { status: "down", reason: "not connected yet" },
      },
    });
    nats.up();
    expect(health.report().status).toBe("degraded");
    postgres.up();
    expect(health.report()).toEqual({
      status: "ready",
      dependencies: { nats: { status: "up" }, postgres: { status: "up" } },
    });
    nats.down("connection refused");
    expect(health.report()).toMatchObject({
      status: "degraded",
      dependencies: { nats: { status: "down", reason: "connection refused" } },
    });
  });

  it("reports a dependency that is not required, and is ready without it", () => {
    const health = createHealth();
    health.dependency("signer", { required: false }).down("connection refused");
    health.started();
    expect(health.report()).toEqual({
      status: "ready",
      dependencies: { signer: { status: "down", reason: "connection refused" } },
    });
  });

  it("is not ready while starting, even with all dependencies up", () => {
    const health = createHealth();
    health.dependency("nats").up();
    expect(health.report().status).toBe("starting");
  });

  it("refuses a name that is taken", () => {
    const health = createHealth();
    health.dependency("nats");
    expect(() => health.dependency("nats")).toThrow('the dependency "nats" is registered already');
  });

  it("tells its listeners of every change until they let go", () => {
    const health = createHealth();
    const seen = vi.fn(() => health.report().status);
    const listening = health.onChange(seen);
    const nats = health.dependency("nats");
    health.started();
    nats.up();
    health.stopping();
    expect(seen.mock.results.map(({ value }) => value)).toEqual(["starting", "degraded", "ready", "stopping"]);
    listening[Symbol.dispose]();
    nats.down("gone");
    expect(seen).toHaveBeenCalledTimes(4);
  });
});
