/** The invariants, judged when all is quiet: each problem in one line, with the invariant that it breaks. */

import { decodeLogFacts } from "@posthorn/contracts";
import { deliveryIdOf, patternMatches, type WebhookConfig } from "@posthorn/domain";
import type { DatabaseModel } from "./database-model.ts";
import { type AcceptedAt, attemptKey, type ConfigStep, type Departure, type Observations } from "./observations.ts";
import type { Hit } from "./receiver-model.ts";
import { asBytes, keyOf, type ModelRow, PROJECTIONS, type Tables } from "./tables-model.ts";

export function judgeDeliveries(observed: Observations, tables: Tables, hits: readonly Hit[]): readonly string[] {
  const taken = new Set(hits.filter(({ isTaken }) => isTaken).map(({ messageId }) => messageId));
  const endings = [...tables.deliveries.values()].flatMap((row) => {
    if (row.completed_at === null) return [`I1: delivery ${row.id} has not ended: ${row.status}`];
    const isUntaken = row.status === "delivered" && !taken.has(String(row.id));
    return isUntaken ? [`I1: delivery ${row.id} was never taken by its receiver`] : [];
  });
  return [...endings, ...observed.accepted.flatMap((one) => judgeMatches(one, observed.configuration, tables))];
}

type Fate = "deliver" | "skip" | "none";

/** What happened to an event must be right by the configuration that it found, or by one that came later. */
function judgeMatches(
  { event, order }: AcceptedAt,
  configuration: ReadonlyMap<string, readonly ConfigStep[]>,
  tables: Tables,
): readonly string[] {
  const problems = tables.events.has(event.id) ? [] : [`I1: of event ${event.id} nothing stands in the log`];
  for (const [webhookId, steps] of configuration) {
    const webhook = steps[0]?.webhook;
    if (webhook === undefined) continue;
    const id = deliveryIdOf(event.id, webhook.id);
    const found = steps.findLast((step) => step.order < order)?.webhook;
    const later = steps.filter((step) => step.order > order).map((step) => step.webhook);
    const right = new Set([found, ...later].map((one) => fateBy(one, event)));
    const fate = fateOf(tables.deliveries.get(id));
    if (right.has(fate)) continue;
    problems.push(`I3: event ${event.id}, webhook ${webhookId}: ${fate}, and right is ${[...right].join(" or ")}`);
  }
  return problems;
}

function fateBy(webhook: WebhookConfig | undefined, { type, orgId }: AcceptedAt["event"]): Fate {
  if (webhook === undefined || webhook.orgId !== orgId) return "none";
  if (!webhook.patterns.some((pattern) => patternMatches(pattern, type))) return "none";
  return webhook.isActive ? "deliver" : "skip";
}

function fateOf(row: ModelRow | undefined): Fate {
  if (row === undefined) return "none";
  return row.status === "skipped" ? "skip" : "deliver";
}

/**
 * No stream loses anything here, so nothing may have to be found by the reconciler; but for what was logged, not queued,
 * and matched again by another configuration that wanted it no more.
 */
export function judgeReconciled(observed: Observations, tables: Tables): readonly string[] {
  return observed.reconciled.flatMap((deliveryId) => {
    const row = tables.deliveries.get(deliveryId);
    const accepted = observed.accepted.find(({ event }) => event.id === row?.event_id);
    const steps = observed.configuration.get(String(row?.webhook_id)) ?? [];
    const hasChanged = accepted !== undefined && steps.some(({ order }) => order > accepted.order);
    return hasChanged ? [] : [`I1: ${deliveryId} had lost its work item, and only the reconciler found it`];
  });
}

/** I4: the same id and the same bytes in every attempt of a delivery. */
export function judgeHits(hits: readonly Hit[], tables: Tables): readonly string[] {
  return [...Map.groupBy(hits, ({ messageId }) => messageId)].flatMap(([messageId, ofMessage]) => {
    const row = tables.deliveries.get(messageId);
    if (row === undefined) return [`I4: a receiver got ${messageId}, which is no delivery`];
    if (ofMessage.some(({ webhookId }) => webhookId !== row.webhook_id))
      return [`I8: ${messageId} went to another webhook`];
    return new Set(ofMessage.map(({ body }) => body)).size === 1
      ? []
      : [`I4: ${messageId} was sent with several bodies`];
  });
}

/**
 * I5: an attempt that is made again was in flight as far as anybody could know. It says that it may be a repeat, or the
 * log shows afterwards that it was one. What the fence could have known, it has to know, unless it said that it does not.
 */
export function judgeRepeats(observed: Observations, tables: Tables): readonly string[] {
  const byAttempt = Map.groupBy(observed.departures, ({ item }) => attemptKey(item.deliveryId, item.attempt));
  const repeats = [...byAttempt].flatMap(([key, [first, ...again]]) =>
    again.map((departure) => ({ key, isExcused: isForgotten(departure, first, observed.forgotten), ...departure })),
  );
  const needless = repeats.filter((repeat) => isNeedless(repeat, observed.outcomes.get(repeat.key)));
  const unmarked = Map.groupBy(
    repeats.filter((repeat) => !repeat.isMarked && !repeat.isExcused),
    ({ item }) => item.deliveryId,
  );
  const silent = [...unmarked].filter(
    ([deliveryId, { length }]) => length > Number(tables.deliveries.get(deliveryId)?.repeated_attempts ?? 0),
  );
  return [
    ...needless.map(({ key, dispatcher }) => `I5: ${dispatcher} made ${key} again, whose outcome was in the log`),
    ...silent.map(([deliveryId]) => `I5: attempts of ${deliveryId} were made again, and nothing says so`),
  ];
}

/**
 * The known limit: whoever sent it first has died with it under way, and the broker has forgotten since then that it had
 * handed it out: the work came again as if for the first time.
 */
function isForgotten(repeat: Departure, first: Departure | undefined, forgotten: readonly number[]): boolean {
  return forgotten.some((at) => at > (first?.order ?? 0) && at < repeat.order);
}

function isNeedless({ question, order }: Departure, outcomeAt = Number.POSITIVE_INFINITY): boolean {
  return question?.answer !== "unknown" && outcomeAt < (question?.order ?? order);
}

/** I6: what a delivery's attempts were stands in the messages that its row names, each attempt that it counts. */
export function judgeNamedMessages({ deliveries, delivery_log: archive }: Tables): readonly string[] {
  return [...deliveries.values()].flatMap((row) => {
    const [epochs, sequences] = [numbersIn(row.log_epochs), numbersIn(row.log_sequences)];
    const messages = sequences.map((sequence, index) =>
      archive.get(keyOf("delivery_log", { partition: row.partition, epoch_ms: epochs[index], sequence })),
    );
    const told = new Set(messages.flatMap((message) => outcomesIn(message, row.id)));
    const counted = Array.from({ length: Number(row.attempt_count) }, (_, index) => index + 1);
    return counted.every((number) => told.has(number)) && told.size === counted.length
      ? []
      : [`I6: ${row.id} has ${row.attempt_count} attempts, and its messages tell of ${[...told].join(", ") || "none"}`];
  });
}

function outcomesIn(message: ModelRow | undefined, deliveryId: unknown): readonly number[] {
  const decoded = message === undefined ? undefined : decodeLogFacts(asBytes(message.bytes));
  if (decoded?.kind !== "decoded") return [];
  return decoded.value.flatMap((event) =>
    (event.kind === "attempt.succeeded" || event.kind === "attempt.failed") && event.deliveryId === deliveryId
      ? [event.attempt.number]
      : [],
  );
}

function numbersIn(value: unknown): readonly number[] {
  return Array.isArray(value) ? value.map(Number) : [];
}

/** I6: the archive, folded from scratch, gives the rows that are there. */
export function judgeRebuilt(live: Tables, rebuilt: DatabaseModel): readonly string[] {
  return PROJECTIONS.flatMap((table) => {
    const keys = new Set([...live[table].keys(), ...rebuilt.tables[table].keys()]);
    return [...keys].flatMap((key) => {
      const [is, gives] = [textOf(live[table].get(key)), textOf(rebuilt.tables[table].get(key))];
      return is === gives ? [] : [`I6: ${table} ${key} is ${is}, and the log gives ${gives}`];
    });
  });
}

function textOf(row: ModelRow | undefined): string {
  return row === undefined ? "nothing" : JSON.stringify(row);
}
