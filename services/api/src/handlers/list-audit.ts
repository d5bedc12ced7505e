/** Lists who changed what in an organisation. */

import { presentAuditEntry } from "../core/present-audit-entry.ts";
import type { Audit } from "../io/audit.ts";
import type { listAuditRoute } from "../schemas/audit.ts";
import { done, type Handler } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export function listAudit({ audit }: { readonly audit: Audit }): Handler<typeof listAuditRoute> {
  return async ({ parameters, query }) => {
    const { since: sinceMs, until: untilMs, actor, subject: subjectId } = query;
    const page = await audit.list(parameters.org, { sinceMs, untilMs, actor, subjectId }, query);
    return done(presentPage(page, presentAuditEntry));
  };
}
