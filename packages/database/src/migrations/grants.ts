/** What each service's role may do, and nothing more. Nobody but the owner alters or empties the archive. */

import { type Kysely, sql } from "kysely";

export async function createGrants(db: Kysely<unknown>): Promise<void> {
  await sql`revoke create on schema public from public`.execute(db);
  await sql`grant usage on schema public to posthorn_api, posthorn_projector, posthorn_scheduler`.execute(db);

  await sql`
    grant select, insert, update, delete on organisations, api_keys, webhooks, config_outbox
    to posthorn_api`.execute(db);
  await sql`
    grant select on delivery_log, deliveries, events, retry_due, webhook_health, projector_checkpoint
    to posthorn_api`.execute(db);

  await sql`grant select, insert on delivery_log to posthorn_projector`.execute(db);
  await sql`grant execute on function ensure_delivery_log_partitions to posthorn_projector`.execute(db);
  await sql`
    grant select, insert, update, delete
    on deliveries, events, retry_due, webhook_health, projector_checkpoint
    to posthorn_projector`.execute(db);

  await sql`grant select on deliveries, projector_checkpoint to posthorn_scheduler`.execute(db);
  await sql`grant select, update, delete on retry_due to posthorn_scheduler`.execute(db);
}
