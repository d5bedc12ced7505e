/** The archive: append-only for every service, in daily partitions that are made ahead and dropped by retention. */

import { type Kysely, sql } from "kysely";

export async function createArchive(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table delivery_log (
      partition smallint not null,
      epoch_ms bigint not null,
      sequence bigint not null,
      stored_at timestamptz(3) not null,
      bytes bytea not null,
      primary key (partition, epoch_ms, sequence, stored_at)
    ) partition by range (stored_at)`.execute(db);
  await chooseCompression(db);
  // No insert ever fails for want of a day's partition.
  await sql`create table delivery_log_default partition of delivery_log default`.execute(db);
  await createPartitionMaker(db);
}

/**
 * Log messages shrink to 40 % of their bytes. LZ4 does that almost for free; without it they stay as they are, because
 * pglz costs Postgres a tenth of all that a delivery costs it.
 */
async function chooseCompression(db: Kysely<unknown>): Promise<void> {
  await sql`
    do $body$ begin
      if exists (select from pg_settings where name = 'default_toast_compression' and 'lz4' = any(enumvals)) then
        alter table delivery_log alter column bytes set compression lz4;
      else
        alter table delivery_log alter column bytes set storage external;
      end if;
    end $body$`.execute(db);
}

/**
 * Runs with its owner's rights, so that the projector can prepare days without being able to alter or drop anything.
 * ATTACH, unlike CREATE ... PARTITION OF, does not stop the readers and writers of the other days. A day of which the
 * default partition already holds rows stays there: moving them would need rights that nobody should have.
 */
async function createPartitionMaker(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function ensure_delivery_log_partitions(first_day date, days integer) returns integer
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '2s'
    as $body$
    declare
      day date;
      partition_name text;
      made integer := 0;
    begin
      if days < 1 or days > 31 then
        raise exception 'days must be from 1 to 31, is %', days;
      end if;
      perform pg_advisory_xact_lock(hashtext('ensure_delivery_log_partitions'));
      for offset_days in 0 .. days - 1 loop
        day := first_day + offset_days;
        partition_name := 'delivery_log_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('public.' || partition_name) is not null;
        begin
          execute format('create table public.%I (like public.delivery_log including all)', partition_name);
          execute format(
            'alter table public.delivery_log attach partition public.%I for values from (%L) to (%L)',
            partition_name, day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
          made := made + 1;
        exception when check_violation then
          raise notice 'the rows of % stay in the default partition', day;
        end;
      end loop;
      return made;
    end
    $body$`.execute(db);
  await sql`revoke execute on function ensure_delivery_log_partitions from public`.execute(db);
}
