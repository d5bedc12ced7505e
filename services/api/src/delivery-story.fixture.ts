/** A delivery that failed once and then succeeded, with everything that was logged of it. For tests only. */

import { type AttemptRecord, type LogEvent, type ProfileName, parseDeliveryId, parseWebhookId } from "@posthorn/domain";
import type { TestBackend } from "./api.fixture.ts";
import { archiveEvents, attemptRecord, deliveryRow, parsed, type StoredEvent, storeEvent } from "./history.fixture.ts";

export type Story = {
  readonly org: string;
  readonly webhook: string;
  readonly profile?: ProfileName;
  /** One of its own when absent. */
  readonly event?: StoredEvent;
};

export const STORY_BEGAN_AT_MS = Date.parse("2026-03-24T13:37:00.000Z");
const FIRST_AT_MS = STORY_BEGAN_AT_MS + 100;
const SECOND_AT_MS = STORY_BEGAN_AT_MS + 1_900;

const FIRST = attemptRecord(1, { startedAtMs: FIRST_AT_MS, responseBody: Buffer.from([0x6f, 0xff, 0x6b]) });
const SECOND = attemptRecord(2, {
  startedAtMs: SECOND_AT_MS,
  statusCode: 200,
  requestHeaders: [
    ["Content-Type", "application/json"],
    ["X-Twice", "a"],
    ["x-twice", "b"],
  ],
  responseTruncated: true,
});
/** The second attempt, made once more by another dispatcher: it is in the log, but the first outcome counts. */
const REPEAT = { ...SECOND, startedAtMs: SECOND_AT_MS + 50, dispatcher: "dispatcher-2", statusCode: 500 };

/** Returns the delivery's id, its events as they were logged, and the sequences of the messages they stand in. */
export async function storeStory(backend: TestBackend, story: Story) {
  const event = story.event ?? (await storeEvent(backend, story.org, { acceptedAtMs: STORY_BEGAN_AT_MS }));
  const profile = story.profile ?? "standard";
  const row = deliveryRow(event, story.webhook, {
    status: "delivered",
    attempt_count: 2,
    profile,
    completed_at: new Date(STORY_BEGAN_AT_MS + 2_000),
  });
  const about = {
    orgId: event.event.orgId,
    eventId: event.event.id,
    deliveryId: parsed(parseDeliveryId(row.id)),
    webhookId: parsed(parseWebhookId(story.webhook)),
    atMs: STORY_BEGAN_AT_MS,
  };
  const facts = { ...event.event, place: event.place };
  const order = { event: facts, profile, eventTypePrefix: "", origin: { kind: "match" } } as const;
  const log: readonly (readonly LogEvent[])[] = [
    [{ ...about, kind: "delivery.created", ...order, hold: undefined }],
    [failed(about, FIRST, STORY_BEGAN_AT_MS + 1_800)],
    [{ ...about, kind: "attempt.succeeded", attempt: SECOND, release: 0 }, failed(about, REPEAT, undefined)],
  ];
  const places: Awaited<ReturnType<typeof archiveEvents>>[] = [];
  for (const events of log) places.push(await archiveEvents(backend, story.org, [...neighbours(about), ...events]));
  const logged = {
    ...row,
    log_epochs: places.map((place) => place.epochMs),
    log_sequences: places.map((place) => place.sequence),
  };
  await backend.database.db.insertInto("deliveries").values(logged).execute();
  return { id: row.id, event, log, sequences: logged.log_sequences };
}

type About = Pick<
  Extract<LogEvent, { kind: "delivery.created" }>,
  "orgId" | "eventId" | "deliveryId" | "webhookId" | "atMs"
>;

function failed(about: About, attempt: AttemptRecord, nextAtMs: number | undefined): LogEvent {
  const errorMessage = `receiver answered ${attempt.statusCode}`;
  return { ...about, kind: "attempt.failed", attempt, errorClass: "status", errorMessage, nextAtMs, release: 0 };
}

/** In front of each message stand attempts of another delivery, and of the same ids in another organisation. */
function neighbours(about: About): LogEvent[] {
  const others = [
    { ...about, deliveryId: parsed(parseDeliveryId("01890a5d-ac96-774b-bcce-b302099a8057")) },
    { ...about, orgId: about.webhookId as unknown as About["orgId"] },
  ];
  const canary = { url: "http://canary.example/", responseBody: Buffer.from("canary") };
  return others.flatMap((other) =>
    [FIRST, SECOND].map((attempt) => failed(other, { ...attempt, ...canary }, undefined)),
  );
}
