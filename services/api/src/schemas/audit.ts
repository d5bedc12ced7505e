/** The audit: who changed what. */

import { z } from "zod";
import { id, moment, pageQuery, pageSchema, time } from "./fields.ts";
import type { Route } from "./route.ts";

const NAME_LENGTH_MAX = 64;

const entry = z
  .strictObject({
    id,
    at: time,
    actor: z.string().describe("The id of an API key, `root`, or `posthorn` for the engine itself"),
    action: z.string().describe("The operation, such as `createWebhook`"),
    subject_kind: z.string(),
    subject_id: z.string(),
    fields: z.array(z.string()).describe("The names of what was given or changed; values are not recorded"),
    request_id: z.string(),
  })
  .meta({ id: "AuditEntry" });

export const listAuditRoute = {
  operation: "listAudit",
  summary: "List who changed what",
  tag: "Audit",
  method: "GET",
  path: "/v1/orgs/:org/audit",
  access: "read-audit",
  changesConfiguration: false,
  query: pageQuery.extend({
    since: moment.optional().describe("Changed then or later"),
    until: moment.optional().describe("Changed before then"),
    actor: z.string().min(1).max(NAME_LENGTH_MAX).optional(),
    subject: z.string().min(1).max(NAME_LENGTH_MAX).optional().describe("The id of what was changed"),
  }),
  body: undefined,
  success: { status: 200, body: pageSchema(entry) },
} as const satisfies Route;
