/** Creates an organisation. */

import { parseOrgId } from "@posthorn/domain";
import { presentOrganisation } from "../core/present-organisation.ts";
import type { Organisations } from "../io/organisations.ts";
import { createOrganisationRoute } from "../schemas/organisation.ts";
import { audited, changedBy, fieldsOf, together } from "./audited.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler } from "./handler.ts";

export type CreateOrganisationPorts = {
  readonly organisations: Pick<Organisations, "insert">;
  readonly chance: Chance;
};

export function createOrganisation(ports: CreateOrganisationPorts): Handler<typeof createOrganisationRoute> {
  const { organisations, chance } = ports;
  return async (request) => {
    const { body, keep } = request;
    const strictEventTypes = body.strict_event_types ?? false;
    const organisation = { ...newBirth(chance, parseOrgId), name: body.name, strictEventTypes };
    const answer = done(presentOrganisation(organisation));
    const { id } = organisation;
    const what = { orgId: id, subjectKind: "organisation", subjectId: id, fields: fieldsOf(body) } as const;
    const audit = audited(changedBy(createOrganisationRoute, request), what, chance);
    await organisations.insert(organisation, together(audit, keep(answer)));
    return answer;
  };
}
