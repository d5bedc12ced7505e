/**
 * Idempotency-Keys in Postgres. A key is claimed before anything is made, and its answer is written in the transaction
 * that makes it: whenever the process dies, either both are there or neither. A claim whose process died lapses.
 */

import type { Database } from "@posthorn/database";
import type { Kysely } from "kysely";
import { CLAIM_MS_MAX, IDEMPOTENCY_KEY_KEPT_MS } from "../core/idempotency-key.ts";
import type { Alongside } from "./alongside.ts";

export type ClaimRequest = {
  /** Undefined: what the operator does, in no organisation. */
  readonly orgId: string | undefined;
  readonly operation: string;
  readonly key: string;
  /** Tells requests apart that have the same key. */
  readonly fingerprint: Buffer;
};

export type Claim = Omit<ClaimRequest, "fingerprint"> & { readonly claimedAtMs: number };

export type StoredAnswer = {
  readonly status: number;
  /** JSON; undefined when nothing came back. */
  readonly json: string | undefined;
};

export type Claimed =
  | { readonly kind: "claimed"; readonly claim: Claim }
  | { readonly kind: "answered"; readonly answer: StoredAnswer }
  /** Another request with this key and fingerprint has not ended. */
  | { readonly kind: "busy" }
  /** The key stands for a request with another fingerprint. */
  | { readonly kind: "reused" };

export type IdempotencyKeys = {
  claim(request: ClaimRequest, nowMs: number): Promise<Claimed>;
  /** @param onLost called before the transaction is undone, when the claim has lapsed and is somebody else's. */
  keep(claim: Claim, answer: StoredAnswer, onLost: () => void): Alongside;
  /** Gives a claim back that led to nothing; one whose answer is kept stays. */
  release(claim: Claim): Promise<void>;
  /** Forgets what is older than keys are kept. */
  purge(nowMs: number): Promise<void>;
};

/** Stands where an organisation would. */
const NO_ORGANISATION = "00000000-0000-0000-0000-000000000000";

export function openIdempotencyKeys(db: Kysely<Database>): IdempotencyKeys {
  return {
    claim: async (request, nowMs) => {
      if (await insertClaim(db, request, nowMs)) {
        const { orgId, operation, key } = request;
        return { kind: "claimed", claim: { orgId, operation, key, claimedAtMs: nowMs } };
      }
      const row = await db
        .selectFrom("idempotency_keys")
        .select(["fingerprint", "state", "status", "body"])
        .where((where) => where.and(rowOf(request)))
        .executeTakeFirst();
      // Nothing is left of it: it was given back this very moment.
      if (row === undefined) return { kind: "busy" };
      if (!row.fingerprint.equals(request.fingerprint)) return { kind: "reused" };
      if (row.state === "running" || row.status === null) return { kind: "busy" };
      return { kind: "answered", answer: { status: row.status, json: row.body ?? undefined } };
    },

    keep: (claim, { status, json }, onLost) => {
      return async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("idempotency_keys")
          .set({ state: "done", status, body: json ?? null })
          .where((where) => where.and(runningRowOf(claim)))
          .executeTakeFirstOrThrow();
        if (numUpdatedRows > 0n) return;
        onLost();
        throw new Error("the claim on an Idempotency-Key has lapsed");
      };
    },

    release: async (claim) => {
      await db
        .deleteFrom("idempotency_keys")
        .where((where) => where.and(runningRowOf(claim)))
        .execute();
    },

    purge: async (nowMs) => {
      const oldest = new Date(nowMs - IDEMPOTENCY_KEY_KEPT_MS);
      await db.deleteFrom("idempotency_keys").where("created_at", "<", oldest).execute();
    },
  };
}

/** True when the key is this request's now: it was new, or stood for nothing any more. */
async function insertClaim(db: Kysely<Database>, request: ClaimRequest, nowMs: number): Promise<boolean> {
  const content = {
    fingerprint: request.fingerprint,
    state: "running" as const,
    status: null,
    body: null,
    created_at: new Date(nowMs),
  };
  const inserted = await db
    .insertInto("idempotency_keys")
    .values({ ...rowOf(request), ...content })
    .onConflict((conflict) =>
      conflict
        .columns(["org_id", "operation", "idempotency_key"])
        .doUpdateSet(content)
        .where((where) =>
          where.or([
            where("idempotency_keys.created_at", "<", new Date(nowMs - IDEMPOTENCY_KEY_KEPT_MS)),
            where.and([
              where("idempotency_keys.state", "=", "running"),
              where("idempotency_keys.created_at", "<", new Date(nowMs - CLAIM_MS_MAX)),
            ]),
          ]),
        ),
    )
    .returning("operation")
    .executeTakeFirst();
  return inserted !== undefined;
}

function rowOf({ orgId = NO_ORGANISATION, operation, key }: Omit<ClaimRequest, "fingerprint">) {
  return { org_id: orgId, operation, idempotency_key: key };
}

/** The time tells this claim from one that took its place. */
function runningRowOf(claim: Claim) {
  return { ...rowOf(claim), state: "running" as const, created_at: new Date(claim.claimedAtMs) };
}
