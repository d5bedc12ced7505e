/** Postgres: the only home of pg and of Kysely's set-up. */

export type { Pool, PoolClient } from "pg";
export { CopyRows, copyRows, type RowsToCopy } from "./copy-rows.ts";
export { type MigrateOptions, migrate } from "./migrate.ts";
export { type DatabaseOptions, type OpenDatabase, openDatabase } from "./open-database.ts";
export { PartitionOwner, type PartitionOwnerOptions } from "./partition-owner.ts";
export { DATABASE_SERVICES, type DatabaseService, type RolePasswords, roleOf, serviceUrl } from "./roles.ts";
export { sqlStateOf } from "./sql-state.ts";
export type {
  ApiKeysTable,
  ConfigOutboxTable,
  Database,
  DeliveriesTable,
  DeliveryLogTable,
  EventsTable,
  OrganisationsTable,
  ProjectorCheckpointTable,
  RetryDueTable,
  Row,
  WebhookHealthTable,
  WebhooksTable,
} from "./tables.ts";
