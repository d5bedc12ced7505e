/** Builds the api from its parts and starts it. */

import { randomBytes } from "node:crypto";
import { type OpenDatabase, openDatabase } from "@posthorn/database";
import { createResolver, type EgressPolicy, parseCidrList } from "@posthorn/egress";
import { BusConnection, Publisher } from "@posthorn/message-bus";
import { createHttpServer, type Shell, watchDependency } from "@posthorn/service-runtime";
import type { ApiConfig } from "./config.ts";
import { type ApiEvents, createApiEvents } from "./events.ts";
import { createAdmit } from "./io/admit.ts";
import { openApiKeys } from "./io/api-keys.ts";
import { openArchive } from "./io/archive.ts";
import { urlChecker } from "./io/check-url.ts";
import { openConfigEntries } from "./io/config-entries.ts";
import { keepConfigBucket } from "./io/config-keeper.ts";
import { openConfigOutbox } from "./io/config-outbox.ts";
import { openDeliveries } from "./io/deliveries.ts";
import { openEvents } from "./io/events-table.ts";
import { openKeyUsage } from "./io/key-usage.ts";
import { openOrganisations } from "./io/organisations.ts";
import { payloadReader } from "./io/payload-reader.ts";
import { openSecretSealer } from "./io/secret-sealer.ts";
import { routeServer } from "./io/serve-routes.ts";
import { openWebhooks } from "./io/webhooks.ts";
import { entryWriter } from "./io/write-entries.ts";
import { addConfigurationRoutes, addHistoryRoutes } from "./routes.ts";

export type Api = AsyncDisposable & {
  /** The port in use, also when any free one was asked for. */
  readonly port: number;
};

/** Connections to Postgres: a request holds one for milliseconds. */
const POOL_MAX = 10;
/** Far above the largest webhook that can be described. */
const BODY_BYTES_MAX = 64 * 1024;

export async function startApi(config: ApiConfig, shell: Shell): Promise<Api> {
  await using stack = new AsyncDisposableStack();
  const { log, metrics, health } = shell;
  const events = createApiEvents(log, metrics);
  const connection = stack.use(
    await BusConnection.open({ servers: config.natsUrls.join(","), name: "api", health: health.dependency("nats") }),
  );
  const publisher = stack.use(new Publisher(connection));
  const database = stack.use(openPostgres(config, events));
  stack.use(watchDependency(health.dependency("postgres"), () => database.pool.query("select 1")));
  const sealer = stack.use(openSecretSealer(config.signerTarget, (reason) => events.trouble("signer", reason)));
  stack.use(watchDependency(health.dependency("signer", { required: false }), () => sealer.reach()));
  const { keeper, outbox } = await keepConfiguration(config, { connection, publisher, database, events }, stack);

  const { db } = database;
  const apiKeys = openApiKeys(db);
  const organisations = openOrganisations(db);
  const webhooks = openWebhooks(db);
  const usage = stack.use(openKeyUsage(apiKeys, Date.now, (reason) => events.trouble("key usage", reason)));
  const app = await createHttpServer({ log, bodyBytesMax: BODY_BYTES_MAX, bodies: "bytes" });
  const serve = routeServer(app, {
    admit: createAdmit({ rootKey: config.adminKey, apiKeys, organisations, usage }),
    canApply: () => connection.isConnected && keeper.isComplete && outbox.isFlowing,
    settled: () => outbox.settled(),
    events,
  });
  const resolver = stack.use(createResolver({ servers: config.dnsServers }));
  addConfigurationRoutes(serve, {
    organisations,
    apiKeys,
    webhooks,
    sealer,
    urlProblem: urlChecker(egressPolicy(config), resolver),
    prefix: config.apiKeyPrefix,
    chance: { nowMs: Date.now, randomBytes },
  });
  addHistoryRoutes(serve, {
    deliveries: openDeliveries(db),
    webhooks,
    events: openEvents(db),
    archive: openArchive(db, events.undecodable),
    readPayload: payloadReader(connection),
  });
  stack.use(await shell.http.serve(app));
  const owned = stack.move();
  return { port: shell.http.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function openPostgres(config: ApiConfig, events: ApiEvents): OpenDatabase {
  return openDatabase(config.databaseUrl, {
    poolMax: POOL_MAX,
    applicationName: "posthorn-api",
    onConnectionLost: (reason) => events.trouble("postgres", reason),
  });
}

/** The bucket and the outbox that feeds it: what makes a change in Postgres one of the data plane. */
async function keepConfiguration(
  config: ApiConfig,
  parts: {
    readonly connection: BusConnection;
    readonly publisher: Publisher;
    readonly database: OpenDatabase;
    readonly events: ApiEvents;
  },
  stack: AsyncDisposableStack,
) {
  const { connection, publisher, database, events } = parts;
  const entries = openConfigEntries(database.db);
  const writeEntries = entryWriter(connection, publisher, Date.now);
  const keeper = stack.use(
    await keepConfigBucket({
      pool: database.pool,
      connection,
      publisher,
      replicas: config.natsReplicas,
      entries,
      writeEntries,
      onCopied: events.bucketCopied,
      onTrouble: (reason) => events.trouble("bucket", reason),
    }),
  );
  const outbox = stack.use(
    openConfigOutbox({
      db: database.db,
      entries,
      writeEntries,
      onApplied: events.changesApplied,
      onTrouble: (reason) => events.trouble("outbox", reason),
    }),
  );
  return { keeper, outbox };
}

function egressPolicy(config: ApiConfig): EgressPolicy {
  const parsed = parseCidrList(config.allowedTargets.join(","));
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return { allowHttp: config.allowHttp, allowedTargets: parsed.cidrs };
}
