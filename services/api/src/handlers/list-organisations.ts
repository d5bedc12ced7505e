/** Lists organisations: all of them for the root key, its own for any other. */

import { presentOrganisation } from "../core/present-organisation.ts";
import type { Organisations } from "../io/organisations.ts";
import type { listOrganisationsRoute } from "../schemas/organisation.ts";
import { done, type Handler } from "./handler.ts";
import { presentPage } from "./present-page.ts";

export type ListOrganisationsPorts = { readonly organisations: Pick<Organisations, "list"> };

export function listOrganisations({ organisations }: ListOrganisationsPorts): Handler<typeof listOrganisationsRoute> {
  return async ({ caller, query }) => {
    const only = caller.kind === "root" ? undefined : caller.orgId;
    return done(presentPage(await organisations.list(query, only), presentOrganisation));
  };
}
