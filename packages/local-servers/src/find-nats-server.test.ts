import { expect, test } from "vitest";
import { findNatsServer, type NatsSearchMachine } from "./find-nats-server.ts";

/** A machine with these executables and nothing else; records what it was asked to do. */
function machineWith(state: {
  readonly executables?: readonly string[];
  readonly packaged?: string;
  readonly docker?: boolean;
}): NatsSearchMachine & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    isExecutable: (path) => state.executables?.includes(path) ?? false,
    unpackPackage: async () => {
      asked.push("package");
      return state.packaged;
    },
    dockerAnswers: async () => {
      asked.push("docker");
      return state.docker ?? false;
    },
  };
}

const options = { env: { PATH: "/opt/bin:/usr/bin" }, cacheDir: "/cache", isRoot: true };

test("the named program wins over every other way", async () => {
  const machine = machineWith({ executables: ["/own/nats", "/opt/bin/nats-server"] });
  const env = { ...options.env, NATS_SERVER_BIN: "/own/nats" };
  expect(await findNatsServer({ ...options, env }, machine)).toEqual({ kind: "binary", path: "/own/nats" });
});

test("a named program that cannot run is refused by name, not replaced", async () => {
  const machine = machineWith({ executables: ["/opt/bin/nats-server"] });
  const found = await findNatsServer({ ...options, env: { NATS_SERVER_BIN: "/own/nats" } }, machine);
  expect(found).toEqual({
    kind: "missing",
    message: "NATS_SERVER_BIN names /own/nats, which is not an executable file.",
  });
});

test("the PATH is searched in its order, then the sbin folders", async () => {
  const both = machineWith({ executables: ["/usr/bin/nats-server", "/opt/bin/nats-server", "/usr/sbin/nats-server"] });
  expect(await findNatsServer(options, both)).toEqual({ kind: "binary", path: "/opt/bin/nats-server" });
  const sbin = machineWith({ executables: ["/usr/sbin/nats-server"] });
  expect(await findNatsServer(options, sbin)).toEqual({ kind: "binary", path: "/usr/sbin/nats-server" });
  expect(sbin.asked).toEqual([]);
});

test("root gets Debian's package, before Docker is asked", async () => {
  const machine = machineWith({ packaged: "/cache/nats-server", docker: true });
  expect(await findNatsServer(options, machine)).toEqual({ kind: "binary", path: "/cache/nats-server" });
  expect(machine.asked).toEqual(["package"]);
});

test("others than root go to Docker without trying the package", async () => {
  const machine = machineWith({ packaged: "/cache/nats-server", docker: true });
  expect(await findNatsServer({ ...options, isRoot: false }, machine)).toMatchObject({ kind: "docker" });
  expect(machine.asked).toEqual(["docker"]);
});

test("a machine with none of them gets one sentence that names the three ways", async () => {
  const found = await findNatsServer(options, machineWith({}));
  expect(found).toMatchObject({ kind: "missing", message: expect.stringMatching(/NATS_URL.*nats-server.*Docker/) });
});
