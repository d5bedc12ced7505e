/** What the signer tells operators: one helper per happening. None of them is given a secret, a key or a body. */

import { type Logger, type Metrics, parseTraceparent, type SpanHandle, type Tracing } from "@posthorn/service-runtime";
import { type ItemToSign, REFUSAL_CODES, type SignedItem } from "./core/sign-item.ts";

export type TracedItem = ItemToSign & { readonly traceparent: string };

export type SignerEvents = {
  batchSigned(items: readonly ItemToSign[], results: readonly SignedItem[]): void;
  /** A batch broke a limit; its stream was ended. */
  batchRefused(problem: string): void;
  /** An error that nobody expected ended a stream. */
  streamFailed(error: unknown): void;
  secretSealed(): void;
  /** A secret left the signer: for its owner, but operators want to see that it did. */
  secretRevealed(webhookId: string): void;
  signingStarted(item: TracedItem): SpanHandle | undefined;
  signingEnded(span: SpanHandle, result: SignedItem): void;
};

export function createSignerEvents({
  log,
  metrics,
  tracing,
}: {
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}): SignerEvents {
  const batches = metrics.counter("signer_batches_total", "Batches that were answered.");
  const signatures = metrics.counter("signer_signatures_total", "Items that were signed.");
  const refusals = metrics.counter("signer_refusals_total", "Items that could not be signed, by code.", ["code"]);
  // Every code is shown from the start, so that a first refusal is seen as a rise from 0.
  for (const code of REFUSAL_CODES) refusals.inc({ code }, 0);
  const batchesRefused = metrics.counter("signer_batches_refused_total", "Batches that broke a limit.");
  const opened = metrics.counter("signer_secrets_opened_total", "Secrets that had to be decrypted.");
  const remembered = metrics.counter("signer_secrets_remembered_total", "Secrets whose keys were still remembered.");
  const sealed = metrics.counter("signer_secrets_sealed_total", "Secrets that were sealed.");
  const revealed = metrics.counter("signer_secrets_revealed_total", "Secrets that were shown to their owners.");

  return {
    batchSigned: (items, results) => {
      const totals = { signed: 0, opened: 0, remembered: 0 };
      for (const result of results) {
        if (result.kind === "refused") {
          refusals.inc({ code: result.code });
          continue;
        }
        totals.signed += 1;
        totals.opened += result.secretsOpened;
        totals.remembered += result.secretsRemembered;
      }
      batches.inc();
      signatures.inc(totals.signed);
      opened.inc(totals.opened);
      remembered.inc(totals.remembered);
      if (totals.signed < results.length) logRefusals(log, items, results);
    },
    batchRefused: (problem) => {
      batchesRefused.inc();
      log.error({ problem }, "a batch broke a limit and its stream was ended");
    },
    streamFailed: (error) => log.error({ error }, "a batch could not be signed and its stream was ended"),
    secretSealed: () => sealed.inc(),
    secretRevealed: (webhookId) => {
      revealed.inc();
      log.info({ webhook_id: webhookId }, "a signing secret was shown to its owner");
    },
    signingStarted: (item) => startSignSpan(tracing, item),
    signingEnded: (span, result) => {
      if (result.kind === "refused") span.fail(result.code, result.reason);
      else span.setAttributes({ "posthorn.secrets": result.secretsOpened + result.secretsRemembered });
      span.end();
    },
  };
}

/** Undefined when nobody records the item's trace: then signing costs nothing for tracing. */
export function startSignSpan(tracing: Tracing, { traceparent, profile }: TracedItem): SpanHandle | undefined {
  if (!tracing.enabled || !parseTraceparent(traceparent)?.sampled) return undefined;
  return tracing.startSpan("sign", {
    kind: "server",
    parent: traceparent,
    attributes: { "posthorn.profile": profile },
  });
}

/** One line per batch, whatever the number of refusals: a wrong master key refuses everything. */
function logRefusals(log: Logger, items: readonly ItemToSign[], results: readonly SignedItem[]): void {
  const index = results.findIndex(({ kind }) => kind === "refused");
  const first = results[index];
  if (first?.kind !== "refused") return;
  log.warn(
    {
      refused: results.filter(({ kind }) => kind === "refused").length,
      first: { code: first.code, reason: first.reason, webhook_id: items[index]?.webhookId },
    },
    "items were not signed",
  );
}
