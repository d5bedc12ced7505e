/** Gets and runs a NATS server and a Postgres on this machine, and child processes that cannot outlive their owner. */

export { type Environment, type FindNatsOptions, findNatsServer, type NatsServerFound } from "./find-nats-server.ts";
export { findFreePort, isPortFree, LOOPBACK } from "./free-port.ts";
export { type Leash, startLeash } from "./leash.ts";
export { readLogTail } from "./log-tail.ts";
export {
  type OpenClusterOptions,
  type OpenedNatsCluster,
  type OpenedServer,
  type OpenOptions,
  openNats,
  openNatsCluster,
  openPostgres,
  urlOf,
} from "./open-servers.ts";
export {
  type ChildCommand,
  type ChildExit,
  type ChildOptions,
  describeExit,
  type OwnedChild,
  startOwnedChild,
} from "./owned-child.ts";
export { createDatabase, createDatabaseIfMissing, dropDatabase, pingPostgres } from "./postgres-admin.ts";
export { identifyProcess, isStillRunning, type ProcessIdentity } from "./process-identity.ts";
export type { LocalServer } from "./server-process.ts";
export { NATS_MAX_PAYLOAD_BYTES, type NatsOptions, startNats } from "./start-nats.ts";
export {
  type NatsCluster,
  type NatsClusterOptions,
  type NatsClusterServer,
  startNatsCluster,
} from "./start-nats-cluster.ts";
export { type PostgresOptions, startPostgres } from "./start-postgres.ts";
