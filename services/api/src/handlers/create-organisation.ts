/** Creates an organisation. */

import { parseOrgId } from "@posthorn/domain";
import { presentOrganisation } from "../core/present-organisation.ts";
import type { Organisations } from "../io/organisations.ts";
import type { createOrganisationRoute } from "../schemas/organisation.ts";
import { type Chance, newBirth } from "./chance.ts";
import { done, type Handler } from "./handler.ts";

export type CreateOrganisationPorts = {
  readonly organisations: Pick<Organisations, "insert">;
  readonly chance: Chance;
};

export function createOrganisation(ports: CreateOrganisationPorts): Handler<typeof createOrganisationRoute> {
  return async ({ body }) => {
    const organisation = { ...newBirth(ports.chance, parseOrgId), name: body.name };
    await ports.organisations.insert(organisation);
    return done(presentOrganisation(organisation));
  };
}
