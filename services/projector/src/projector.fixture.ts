/** Real servers with a LOG to project, and projectors to do it. For tests only. */

import { encodeLogEvents } from "@posthorn/contracts";
import { type OpenDatabase, openDatabase, serviceUrl } from "@posthorn/database";
import type { LogEvent } from "@posthorn/domain";
import { BusConnection, ensureStreams, Publisher, STREAM_BYTES_MAX_DEFAULT, subjectOf } from "@posthorn/message-bus";
import { type HealthReport, openShell, readSettings } from "@posthorn/service-runtime";
import { createTestDatabase, startTestNats, type TestNats, testRolePasswords, waitUntil } from "@posthorn/testkit";
import { settings } from "./config.ts";
import { PARTITION } from "./core/log.fixture.ts";
import { type RebuildGoal, type RebuildResult, rebuild } from "./handlers/rebuild.ts";
import { openToRebuild } from "./io/open-pools.ts";
import { type Projector, startProjector } from "./service.ts";

export const STREAM_SETTINGS = { replicas: 1, bytesMax: STREAM_BYTES_MAX_DEFAULT };

export interface TestBackend extends AsyncDisposable {
  readonly nats: TestNats;
  readonly connection: BusConnection;
  /** The owner's. */
  readonly database: OpenDatabase;
  readonly ownerUrl: string;
  /** The environment of a projector. */
  readonly env: Readonly<Record<string, string>>;
  /** Publishes each list as one LOG message, in order; returns the last one's sequence. */
  publish(...messages: readonly (readonly LogEvent[] | Uint8Array)[]): Promise<number>;
  /** Waits until the partition of the fixture's organisation is projected up to there, in whatever epoch. */
  projected(sequence: number): Promise<void>;
}

export async function startTestBackend(): Promise<TestBackend> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.use(await startTestNats());
  const testDatabase = stack.use(await createTestDatabase());
  const database = stack.use(openDatabase(testDatabase.url, { poolMax: 4, applicationName: "test" }));
  const connection = stack.use(await BusConnection.open({ servers: nats.url, name: "test" }));
  await ensureStreams(connection, STREAM_SETTINGS);
  const publisher = stack.use(new Publisher(connection));
  const owned = stack.move();
  return {
    nats,
    connection,
    database,
    ownerUrl: testDatabase.url,
    env: {
      NATS_URL: nats.url,
      DATABASE_URL: serviceUrl(testDatabase.url, "projector", testRolePasswords.projector),
      POSTHORN_LOG_LEVEL: "silent",
    },
    publish: async (...messages) => {
      const published = messages.map((message) =>
        publisher.publishUntilStored({
          subject: subjectOf("LOG", PARTITION),
          payload: message instanceof Uint8Array ? message : encodeLogEvents(message),
          id: undefined,
        }),
      );
      return (await Promise.all(published)).at(-1)?.sequence ?? 0;
    },
    projected: async (sequence) => {
      await waitUntil(async () => (await checkpointOf(database))?.sequence === sequence, {
        describe: `message ${sequence} to be projected`,
        timeoutMs: 15_000,
      });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export async function checkpointOf({ db }: OpenDatabase) {
  return await db.selectFrom("projector_checkpoint").selectAll().where("partition", "=", PARTITION).executeTakeFirst();
}

export type TestProjector = Projector & {
  /** The value of a metric, without its prefix; of a metric with labels the sum. */
  metric(name: string): Promise<number>;
  /** What /readyz says. */
  readiness(): HealthReport;
};

/** A projector in this process. */
export async function startTestProjector(env: Readonly<Record<string, string>>): Promise<TestProjector> {
  await using stack = new AsyncDisposableStack();
  const config = readSettings(env, settings);
  const stopping = new AbortController();
  const { shell, control } = stack.use(
    await openShell({ name: "projector", config, env: {}, stopping: stopping.signal }),
  );
  const projector = stack.use(await startProjector(config, shell));
  control.started();
  const owned = stack.move();
  return {
    grpcPort: projector.grpcPort,
    metric: async (name) => {
      const lines = (await shell.metrics.expose()).split("\n");
      const values = lines.filter(
        (line) => line.startsWith(`posthorn_${name} `) || line.startsWith(`posthorn_${name}{`),
      );
      return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
    },
    readiness: () => shell.health.report(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The rebuild command's own work, with the owner's rights. */
export async function runRebuild({ ownerUrl }: TestBackend, goal: RebuildGoal): Promise<RebuildResult> {
  await using database = openToRebuild(ownerUrl);
  return await rebuild(database.pool, goal, () => {});
}

/** From the database's view its server is gone: connections are cut and none is accepted, until it is ended. */
export async function beginOutage({ ownerUrl }: TestBackend): Promise<{ end(): Promise<void> }> {
  const name = new URL(ownerUrl).pathname.slice(1);
  const serverUrl = new URL(ownerUrl);
  serverUrl.pathname = "/postgres";
  const server = openDatabase(serverUrl.href, { poolMax: 1, applicationName: "test-outage" });
  const quoted = `"${decodeURIComponent(name)}"`;
  await server.pool.query(`alter database ${quoted} with allow_connections false`);
  await server.pool.query("select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", [
    decodeURIComponent(name),
  ]);
  return {
    end: async () => {
      await server.pool.query(`alter database ${quoted} with allow_connections true`);
      await server[Symbol.asyncDispose]();
    },
  };
}
