/** Changes an organisation: what is absent stays. */

import { presentOrganisation } from "../core/present-organisation.ts";
import { notFound } from "../core/problems.ts";
import type { Organisations } from "../io/organisations.ts";
import { updateOrganisationRoute } from "../schemas/organisation.ts";
import { audited, changedBy, fieldsOf } from "./audited.ts";
import type { Chance } from "./chance.ts";
import { done, type Handler, refused } from "./handler.ts";

export type UpdateOrganisationPorts = {
  readonly organisations: Pick<Organisations, "update">;
  readonly chance: Chance;
};

export function updateOrganisation(ports: UpdateOrganisationPorts): Handler<typeof updateOrganisationRoute> {
  const { organisations, chance } = ports;
  return async (request) => {
    const { body } = request;
    const { org } = request.parameters;
    // Null is the default here as everywhere.
    const strictEventTypes = body.strict_event_types === null ? false : body.strict_event_types;
    const what = { orgId: org, subjectKind: "organisation", subjectId: org, fields: fieldsOf(body) } as const;
    const audit = audited(changedBy(updateOrganisationRoute, request), what, chance);
    const changed = await organisations.update(org, { name: body.name, strictEventTypes }, chance.nowMs(), audit);
    return changed === undefined ? refused(notFound("organisation")) : done(presentOrganisation(changed));
  };
}
