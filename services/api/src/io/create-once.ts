/**
 * Makes a creation with an Idempotency-Key happen once: a repetition is answered with what the first one made, without
 * its secrets. A refusal is not kept, because nothing came of it. Without a key every request is one of its own.
 */

import { hash } from "node:crypto";
import { type ReadIdempotencyKey, readIdempotencyKey, withoutSecrets } from "../core/idempotency-key.ts";
import { IDEMPOTENCY_KEY_BUSY, IDEMPOTENCY_KEY_REUSED, MALFORMED_IDEMPOTENCY_KEY } from "../core/problems.ts";
import { type Answer, type Creating, type Done, refused } from "../handlers/handler.ts";
import type { Route } from "../schemas/route.ts";
import type { Claim, IdempotencyKeys, StoredAnswer } from "./idempotency-keys.ts";

export type CreationRequest = {
  /** The header, as Node has it. */
  readonly header: string | readonly string[] | undefined;
  readonly orgId: string | undefined;
  readonly method: string;
  readonly url: string;
  /** The body's bytes. */
  readonly body: Buffer;
};

/** The answer of another request with the same key, which this one has repeated. */
export type Replayed = { readonly kind: "replayed"; readonly answer: StoredAnswer };

export type CreateOnce = <R extends Route>(
  route: R,
  request: CreationRequest,
  create: (creating: Creating<R>) => Promise<Answer<R>>,
) => Promise<Answer<R> | Replayed>;

export type CreateOncePorts = {
  readonly keys: Pick<IdempotencyKeys, "claim" | "keep" | "release">;
  readonly nowMs: () => number;
  /** Told when a claim could not be given back; it lapses by itself. */
  readonly onTrouble: (reason: string) => void;
};

export function createOnce(ports: CreateOncePorts): CreateOnce {
  return async (route, request, create) => {
    const given: ReadIdempotencyKey = readIdempotencyKey(request.header);
    if (given.kind === "malformed") return refused(MALFORMED_IDEMPOTENCY_KEY);
    if (given.kind === "absent") return createWithoutKey(route, create);
    const { orgId } = request;
    const order = { orgId, operation: route.operation, key: given.key, fingerprint: fingerprintOf(request) };
    const claimed = await ports.keys.claim(order, ports.nowMs());
    switch (claimed.kind) {
      case "answered":
        return { kind: "replayed", answer: claimed.answer };
      case "busy":
        return refused(IDEMPOTENCY_KEY_BUSY);
      case "reused":
        return refused(IDEMPOTENCY_KEY_REUSED);
      case "claimed":
        return createUnderClaim(ports, claimed.claim, route, create);
      default:
        return claimed satisfies never;
    }
  };
}

/** The whole of what the request asks for, so that a key cannot stand for two things. */
function fingerprintOf({ method, url, body }: CreationRequest): Buffer {
  return hash("sha256", Buffer.concat([Buffer.from(`${method} ${url}\n`), body]), "buffer");
}

async function createWithoutKey<R extends Route>(
  route: R,
  create: (creating: Creating<R>) => Promise<Answer<R>>,
): Promise<Answer<R>> {
  let isKept = false;
  const keep = () => {
    isKept = true;
    return async () => {};
  };
  const answer = await create({ keep });
  mustBeKept(route, answer, isKept);
  return answer;
}

async function createUnderClaim<R extends Route>(
  { keys, onTrouble }: CreateOncePorts,
  claim: Claim,
  route: R,
  create: (creating: Creating<R>) => Promise<Answer<R>>,
): Promise<Answer<R>> {
  let state: "open" | "kept" | "lost" = "open";
  const keep = (answer: Done<R>) => {
    state = "kept";
    return keys.keep(claim, storedAnswer(route, answer), () => {
      state = "lost";
    });
  };
  const stateNow = (): typeof state => state;
  let hasCome = false;
  try {
    const answer = await create({ keep });
    hasCome = answer.kind !== "refused";
    mustBeKept(route, answer, stateNow() === "kept");
    return answer;
  } catch (error) {
    if (stateNow() === "lost") return refused(IDEMPOTENCY_KEY_BUSY);
    throw error;
  } finally {
    // Also after an error of which nobody knows how far it let things come: a kept answer is not given back.
    if (!hasCome) await keys.release(claim).catch((error: unknown) => onTrouble(String(error)));
  }
}

/** A handler that forgets it would let a repetition make a second thing, in silence. */
function mustBeKept(route: Route, answer: { readonly kind: string }, isKept: boolean): void {
  if (answer.kind !== "refused" && !isKept) throw new Error(`${route.operation} has not kept its answer`);
}

function storedAnswer<R extends Route>({ success, creates }: R, { body }: Done<R>): StoredAnswer {
  const kept = body === undefined ? undefined : withoutSecrets(body, creates?.shownOnce ?? []);
  return { status: success.status, json: kept === undefined ? undefined : JSON.stringify(kept) };
}
