/**
 * What history may be forgotten, and by whom. The scheduler asks for it; what it asks for is done, within bounds that
 * stand here, with the rights of the owner: no service's role deletes history or touches the archive itself.
 */

import { type Kysely, sql } from "kysely";

/** Payloads are kept for 7 days and deliveries may be open for 6: nothing younger than a day more is ever forgotten. */
const KEPT_DAYS_MIN = 8;
/** The log of an event lies behind its acceptance, give or take the clocks of the machines. */
const ARCHIVE_MARGIN_DAYS = 1;
const ROWS_MAX = 10_000;
/** The key that a rebuild holds; see the projector's partition locks. */
const REBUILD_LOCK = { class: 0x70726f6a, key: -1 };

export async function createRetention(db: Kysely<unknown>): Promise<void> {
  await createProgress(db);
  await createRetirement(db);
  await createDoors(db);
  await createArchiveDoor(db);
  await grantRetention(db);
}

/** How far retention has come: moved by the functions below only, and never back. */
async function createProgress(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table retention_progress (
      is_only boolean primary key default true check (is_only),
      history_before timestamptz(3) not null default 'epoch',
      audit_before timestamptz(3) not null default 'epoch',
      archive_from timestamptz(3) not null default 'epoch'
    )`.execute(db);
  await sql`insert into retention_progress default values`.execute(db);
  await sql`create index audit_age on audit (changed_at)`.execute(db);
}

/**
 * The rule of what is old enough, a page at a time: with the caller's rights, on the tables that its search path names.
 * Ids of events begin with their time, so the oldest come first in indexes that are there anyway; the time of
 * acceptance decides. What is open stays, and so does what a running replay reads. Nobody is waited for: rows that
 * somebody else holds are left for another time.
 */
async function createRetirement(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function first_event_id_of(moment timestamptz) returns uuid
    language sql immutable
    as $body$
      select (lpad(to_hex((extract(epoch from moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    $body$`.execute(db);
  await createRetirementOfDeliveries(db);
  await createRetirementOfEvents(db);
  await createRetirementOfRecords(db);
}

async function createRetirementOfDeliveries(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function retire_deliveries(before timestamptz, behind uuid, rows_max integer)
    returns table (retired integer, reached uuid)
    language plpgsql
    as $body$
    declare
      ids uuid[];
    begin
      select array_agg(page.id), max(page.event_id::text)::uuid into ids, reached from (
        select d.id, d.event_id from deliveries d
        where d.event_id >= behind and d.event_id < first_event_id_of(before)
          and coalesce(d.accepted_at, d.created_at) < before
          and (d.completed_at is not null or d.event_type is null or d.test)
          and not exists (select from replays r where r.webhook_id = d.webhook_id and r.state = 'running')
        order by d.event_id limit rows_max for update of d skip locked
      ) page;
      delete from deliveries where id = any(ids);
      retired := coalesce(cardinality(ids), 0);
      return next;
    end
    $body$`.execute(db);
}

async function createRetirementOfEvents(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function retire_events(before timestamptz, behind uuid, rows_max integer)
    returns table (retired integer, reached uuid)
    language plpgsql
    as $body$
    declare
      ids uuid[];
    begin
      select array_agg(page.id), max(page.id::text)::uuid into ids, reached from (
        select e.id from events e
        where e.id >= behind and e.id < first_event_id_of(before) and e.accepted_at < before
          and not exists (select from deliveries d where d.event_id = e.id)
        order by e.id limit rows_max for update of e skip locked
      ) page;
      delete from events where id = any(ids);
      retired := coalesce(cardinality(ids), 0);
      return next;
    end
    $body$`.execute(db);
}

/** Replays that are over, and webhooks that were taken out of service. */
async function createRetirementOfRecords(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function retire_records(before timestamptz) returns integer
    language plpgsql
    as $body$
    declare
      replays_gone integer;
      disablings_gone integer;
    begin
      delete from replays where created_at < before and state = 'finished';
      get diagnostics replays_gone = row_count;
      delete from webhook_disablings where disabled_at < before;
      get diagnostics disablings_gone = row_count;
      return replays_gone + disablings_gone;
    end
    $body$`.execute(db);
}

/**
 * The same for the scheduler, with the owner's rights and within bounds. No row: a rebuild is running, which needs
 * history to hold still.
 */
async function createDoors(db: Kysely<unknown>): Promise<void> {
  await sql`
    create function retire_history(part text, before timestamptz, behind uuid, rows_max integer)
    returns table (retired integer, reached uuid)
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set enable_seqscan = off
    set plan_cache_mode = force_generic_plan
    as $body$
    begin
      if before > now() - make_interval(days => ${sql.lit(KEPT_DAYS_MIN)}) then
        raise exception 'history is kept for at least % days, asked was to forget what is before %',
          ${sql.lit(KEPT_DAYS_MIN)}, before;
      end if;
      if rows_max < 1 or rows_max > ${sql.lit(ROWS_MAX)} then
        raise exception 'rows_max must be from 1 to %, is %', ${sql.lit(ROWS_MAX)}, rows_max;
      end if;
      if not pg_try_advisory_xact_lock_shared(${sql.lit(REBUILD_LOCK.class)}, ${sql.lit(REBUILD_LOCK.key)}) then
        return;
      end if;
      if part = 'audit' then
        update retention_progress set audit_before = before where audit_before < before;
        delete from audit where id in (select id from audit where changed_at < before order by changed_at limit rows_max);
        get diagnostics retired = row_count;
        return next;
        return;
      end if;
      update retention_progress set history_before = before where history_before < before;
      case part
        when 'deliveries' then return query select * from retire_deliveries(before, behind, rows_max);
        when 'events' then return query select * from retire_events(before, behind, rows_max);
        when 'records' then return query select retire_records(before), null::uuid;
      end case;
    end
    $body$`.execute(db);
}

/**
 * Drops the oldest day of the archive that nothing needs. It takes no day to drop: which days may go follows from what
 * has been retired, what is kept however old it is, and the least age. The archive outlives the rows that refer to it:
 * what an attempt was stands there and nowhere else. Waiting for the lock would hold up the projector, so it is given up
 * soon, and tried another time.
 */
async function createArchiveDoor(db: Kysely<unknown>): Promise<void> {
  // Its body is text, so that it finds whatever tables a rebuild has put in place.
  await sql`
    create function delivery_log_needed_from() returns timestamptz
    language sql stable
    as $body$ select date_trunc('day', least(
      (select history_before from retention_progress) - make_interval(days => ${sql.lit(ARCHIVE_MARGIN_DAYS)}),
      now() - make_interval(days => ${sql.lit(KEPT_DAYS_MIN)}),
      (select min(created_at) from deliveries where completed_at is null and event_type is not null and not test),
      (select min(created_at) from replays where state = 'running'),
      (select min(oldest.created_at) from replays r cross join lateral (
        select d.created_at from deliveries d where d.webhook_id = r.webhook_id order by d.created_at limit 1
      ) oldest where r.state = 'running')
    ), 'UTC') $body$`.execute(db);
  await sql`
    create function drop_oldest_delivery_log_day() returns table (outcome text, day date)
    language plpgsql security definer
    set search_path = pg_catalog, public, pg_temp
    set lock_timeout = '500ms'
    as $body$
    declare
      needed_from timestamptz;
    begin
      if not pg_try_advisory_xact_lock_shared(${sql.lit(REBUILD_LOCK.class)}, ${sql.lit(REBUILD_LOCK.key)}) then
        outcome := 'busy';
        return next;
        return;
      end if;
      needed_from := delivery_log_needed_from();
      -- Rows that came before their day's partition, or after it was dropped.
      delete from delivery_log_default where ctid = any (array(
        select ctid from delivery_log_default where stored_at < needed_from limit ${sql.lit(ROWS_MAX)}));
      if found then
        update retention_progress set archive_from = needed_from where archive_from < needed_from;
      end if;
      select min(to_date(right(relname, 8), 'YYYYMMDD')) into day
      from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'public.delivery_log'::regclass and relname ~ '^delivery_log_[0-9]{8}$';
      if day is null or (day + 1)::timestamp at time zone 'UTC' > needed_from then
        outcome := 'nothing';
        return next;
        return;
      end if;
      execute format('drop table public.%I', 'delivery_log_' || to_char(day, 'YYYYMMDD'));
      update retention_progress set archive_from = greatest(archive_from, (day + 1)::timestamp at time zone 'UTC');
      outcome := 'dropped';
      return next;
    exception when lock_not_available then
      outcome := 'busy';
      return next;
    end
    $body$`.execute(db);
}

async function grantRetention(db: Kysely<unknown>): Promise<void> {
  await sql`
    revoke execute on function first_event_id_of, retire_deliveries, retire_events, retire_records, retire_history,
      delivery_log_needed_from, drop_oldest_delivery_log_day from public`.execute(db);
  await sql`
    grant execute on function retire_history, drop_oldest_delivery_log_day to posthorn_scheduler`.execute(db);
  await sql`grant select on retention_progress to posthorn_scheduler`.execute(db);
}
