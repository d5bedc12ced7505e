/** Builds the api from its parts and starts it. */

import { randomBytes } from "node:crypto";
import { type OpenDatabase, openDatabase } from "@posthorn/database";
import { BusConnection, Publisher } from "@posthorn/message-bus";
import { createHttpServer, type Shell, watchDependency } from "@posthorn/service-runtime";
import { serveMounts } from "./compat/serve-mounts.ts";
import type { ApiConfig } from "./config.ts";
import { addConfigurationRoutes } from "./configuration-routes.ts";
import { type ApiEvents, createApiEvents } from "./events.ts";
import { keepDisabling } from "./handlers/apply-disablings.ts";
import { keepBucketTrue } from "./handlers/keep-bucket-true.ts";
import { addHistoryRoutes } from "./history-routes.ts";
import { createAdmit } from "./io/admit.ts";
import { openApiKeys } from "./io/api-keys.ts";
import { compareBucket } from "./io/compare-bucket.ts";
import { openConfigEntries } from "./io/config-entries.ts";
import { keepConfigBucket } from "./io/config-keeper.ts";
import { openConfigOutbox } from "./io/config-outbox.ts";
import { createOnce } from "./io/create-once.ts";
import { effectsOf } from "./io/effects.ts";
import { openEventTypes } from "./io/event-types.ts";
import { forgetWhatIsOver } from "./io/forget-what-is-over.ts";
import { openIdempotencyKeys } from "./io/idempotency-keys.ts";
import { openKeyUsage } from "./io/key-usage.ts";
import { openLogOutbox } from "./io/log-outbox.ts";
import { openOrganisations } from "./io/organisations.ts";
import { createRateLimiter } from "./io/rate-limiter.ts";
import { serveOpenApi } from "./io/serve-openapi.ts";
import { nativeSurface, routeServer, type ServePorts } from "./io/serve-routes.ts";
import { disablingsReader } from "./io/webhook-disablings.ts";
import { openWebhooks } from "./io/webhooks.ts";
import { entryWriter } from "./io/write-entries.ts";
import { openHistory } from "./open-history.ts";
import { openWebhookActs } from "./open-webhook-acts.ts";
import { EVERY_ROUTE } from "./schemas/every-route.ts";

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
  const suspicion = { raise: () => {} };
  const database = stack.use(openPostgres(config, events, () => suspicion.raise()));
  stack.use(watchDependency(health.dependency("postgres"), () => database.pool.query("select 1")));
  const { keeper, outbox, truth } = await keepConfiguration(config, { connection, publisher, database, events }, stack);
  suspicion.raise = truth.suspect;
  const logOutbox = stack.use(
    openLogOutbox({
      db: database.db,
      connection,
      publisher,
      onLogged: events.changesLogged,
      onTrouble: (reason) => events.trouble("log outbox", reason),
    }),
  );

  const { db } = database;
  const chance = { nowMs: Date.now, randomBytes };
  const apiKeys = openApiKeys(db);
  const organisations = openOrganisations(db);
  const webhooks = openWebhooks(db);
  const usage = stack.use(openKeyUsage(apiKeys, Date.now, (reason) => events.trouble("key usage", reason)));
  const limiter = createRateLimiter(config.rateLimit);
  const idempotencyKeys = openIdempotencyKeys(db);
  const onKeyTrouble = (reason: string) => events.trouble("idempotency keys", reason);
  const app = await createHttpServer({ log, bodyBytesMax: BODY_BYTES_MAX, bodies: "bytes" });
  serveOpenApi(app, shell.version);
  const isBucketThere = () => connection.isConnected && keeper.isComplete;
  const ports: ServePorts = {
    admit: createAdmit({ rootKey: config.adminKey, apiKeys, organisations, usage, limiter }),
    createOnce: createOnce({ keys: idempotencyKeys, nowMs: Date.now, onTrouble: onKeyTrouble }),
    ...effectsOf({ isBucketThere, configOutbox: outbox, logOutbox }),
    events,
  };
  const serve = routeServer(app, ports, nativeSurface(EVERY_ROUTE));
  const { acts, checkUrl } = openWebhookActs(config, shell, { connection, publisher, webhooks, chance, events }, stack);
  addConfigurationRoutes(serve, {
    organisations,
    apiKeys,
    eventTypes: openEventTypes(db),
    webhooks,
    acts,
    prefix: config.apiKeyPrefix,
    chance,
  });
  stack.use(
    keepDisabling({
      readDisablings: disablingsReader(db),
      webhooks,
      settled: () => outbox.settled(),
      chance,
      onDisabled: events.webhookDisabled,
      onTrouble: (reason) => events.trouble("disablings", reason),
    }),
  );
  stack.use(forgetWhatIsOver({ db, connection, webhooks, idempotencyKeys, nowMs: Date.now, events }));
  const history = openHistory({ db, connection, webhooks, chance, events });
  addHistoryRoutes(serve, history);
  serveMounts(app, { db, serve: ports, acts, checkUrl, history, chance });
  stack.use(await shell.http.serve(app));
  const owned = stack.move();
  return { port: shell.http.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function openPostgres(config: ApiConfig, events: ApiEvents, onLost: () => void): OpenDatabase {
  return openDatabase(config.databaseUrl, {
    poolMax: POOL_MAX,
    applicationName: "posthorn-api",
    onConnectionLost: (reason) => {
      events.trouble("postgres", reason);
      onLost();
    },
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
      nowMs: Date.now,
      onApplied: events.changesApplied,
      onTrouble: (reason) => events.trouble("outbox", reason),
    }),
  );
  const truth = stack.use(
    keepBucketTrue({
      compare: () => compareBucket({ db: database.db, connection, publisher, entries, writeEntries, nowMs: Date.now }),
      isReady: () => connection.isConnected && keeper.isComplete,
      events,
    }),
  );
  stack.defer(connection.onStateChange(truth.suspect));
  return { keeper, outbox, truth };
}
