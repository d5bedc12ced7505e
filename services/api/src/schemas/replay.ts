/** Replays: deliveries of a webhook in a range of time, made once more as new ones. */

import { DELIVERY_STATUSES } from "@posthorn/domain";
import { z } from "zod";
import { REPLAYABLE_STATUSES } from "../core/replay-range.ts";
import { id, moment, oneOf, pageQuery, pageSchema, pattern, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const TYPES_MAX = 100;
const typesRule = `must be a list of at most ${TYPES_MAX} event types or patterns`;

const replay = z
  .strictObject({
    id,
    webhook_id: id,
    state: z.enum(["running", "finished"]),
    total: z.int().nullable().describe("Deliveries in the range; null until they have been counted"),
    done: z.int().describe("Deliveries that have been made"),
    skipped: z.int().describe("In the range, but with nothing to send: still under way, or without a payload"),
    since: time,
    until: time,
    status: z.array(z.enum(DELIVERY_STATUSES)),
    types: z.array(z.string()).describe("Empty: all types"),
    started_by: z.string().describe("The id of an API key, or `root`"),
    created_at: time,
    finished_at: time.nullable(),
  })
  .meta({ id: "Replay" });

const status = oneOf(REPLAYABLE_STATUSES);
const statusRule = `must be one of ${REPLAYABLE_STATUSES.join(", ")}, or a list of them`;
const statuses = z
  .union([status, z.array(status).min(1, statusRule).max(REPLAYABLE_STATUSES.length, statusRule)], {
    error: statusRule,
  })
  .describe("In which of these a delivery has to be; all of them unless given");

export const startReplayRoute = {
  operation: "startReplay",
  summary: "Make deliveries of a webhook once more",
  description:
    "Deliveries that were created in the range and have ended are made again as new ones, oldest first. Each names its " +
    "original in `replay_of`, and the receiver sees the `webhook-id` of the original.",
  tag: "Replays",
  method: "POST",
  path: "/v1/orgs/:org/webhooks/:webhook/replay",
  access: "configure",
  changesConfiguration: true,
  goesByLog: true,
  creates: { shownOnce: [] },
  query: noQuery,
  body: z.strictObject({
    since: moment.describe("Deliveries created then or later"),
    until: moment.optional().describe("Deliveries created before then; now unless given"),
    status: statuses.optional(),
    types: z.array(pattern, { error: typesRule }).max(TYPES_MAX, typesRule).optional(),
  }),
  success: { status: 202, body: replay },
  refusals: [{ status: 409, when: "the webhook was disabled by the engine (`webhook-disabled`)" }],
} as const satisfies Route;

export const getReplayRoute = {
  operation: "getReplay",
  summary: "Get a replay and how far it has come",
  tag: "Replays",
  method: "GET",
  path: "/v1/orgs/:org/replays/:replay",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: replay },
} as const satisfies Route;

export const listReplaysRoute = {
  operation: "listReplays",
  summary: "List replays",
  tag: "Replays",
  method: "GET",
  path: "/v1/orgs/:org/replays",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(replay) },
} as const satisfies Route;
