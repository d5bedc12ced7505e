/** Gets an organisation. */

import { presentOrganisation } from "../core/present-organisation.ts";
import { notFound } from "../core/problems.ts";
import type { Organisations } from "../io/organisations.ts";
import type { getOrganisationRoute } from "../schemas/organisation.ts";
import { done, type Handler, refused } from "./handler.ts";

export type GetOrganisationPorts = { readonly organisations: Pick<Organisations, "get"> };

export function getOrganisation({ organisations }: GetOrganisationPorts): Handler<typeof getOrganisationRoute> {
  return async ({ parameters }) => {
    const organisation = await organisations.get(parameters.org);
    return organisation === undefined ? refused(notFound("organisation")) : done(presentOrganisation(organisation));
  };
}
