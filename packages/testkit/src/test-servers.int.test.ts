import { createConnection } from "node:net";
import { pingPostgres } from "@posthorn/local-servers";
import { expect, inject, test } from "vitest";
import { createTestDatabase } from "./test-database.ts";
import { startTestNats } from "./test-nats.ts";

/** The server's first line, which says who it is and whether it keeps streams. */
function greeting(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = createConnection(Number(port), hostname);
    socket.once("data", (data) => {
      socket.destroy();
      resolve(data.toString());
    });
    socket.once("error", reject);
  });
}

test("one NATS server and one Postgres are shared by all files", async () => {
  const { natsUrl, postgresUrl } = inject("sharedServers");
  expect(await greeting(natsUrl)).toContain('"jetstream":true');
  expect(await pingPostgres(postgresUrl)).toBe(true);
});

test("a test database exists until it is disposed", async () => {
  const database = await createTestDatabase();
  expect(await pingPostgres(database.url)).toBe(true);
  await database[Symbol.asyncDispose]();
  expect(await pingPostgres(database.url)).toBe(false);
});

test("a NATS server of one's own can be killed and comes back at the same address", async () => {
  await using nats = await startTestNats();
  expect(nats.url).not.toBe(inject("sharedServers").natsUrl);
  await nats.server.kill("SIGKILL");
  await nats.server.exited();
  await expect(greeting(nats.url)).rejects.toThrow(/ECONNREFUSED/);
  await nats.server.restart();
  expect(await greeting(nats.url)).toContain("INFO");
});
