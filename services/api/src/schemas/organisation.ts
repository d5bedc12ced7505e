/** Organisations: the tenants of an installation. */

import { z } from "zod";
import { id, name, pageQuery, pageSchema, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const strictEventTypes = z
  .boolean({ error: "must be true or false" })
  .nullable()
  .optional()
  .describe("Refuse events of types that the catalogue does not have; false by default");

const organisation = z
  .strictObject({ id, name: z.string(), strict_event_types: z.boolean(), created_at: time })
  .meta({ id: "Organisation" });

export const createOrganisationRoute = {
  operation: "createOrganisation",
  summary: "Create an organisation",
  tag: "Organisations",
  method: "POST",
  path: "/v1/orgs",
  access: "manage-organisations",
  changesConfiguration: true,
  creates: { shownOnce: [] },
  query: noQuery,
  body: z.strictObject({ name, strict_event_types: strictEventTypes }),
  success: { status: 201, body: organisation },
} as const satisfies Route;

export const listOrganisationsRoute = {
  operation: "listOrganisations",
  summary: "List the organisations that the key belongs to: all of them for the root key",
  tag: "Organisations",
  method: "GET",
  path: "/v1/orgs",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(organisation) },
} as const satisfies Route;

export const getOrganisationRoute = {
  operation: "getOrganisation",
  summary: "Get an organisation",
  tag: "Organisations",
  method: "GET",
  path: "/v1/orgs/:org",
  access: "read",
  changesConfiguration: false,
  query: noQuery,
  body: undefined,
  success: { status: 200, body: organisation },
} as const satisfies Route;

export const updateOrganisationRoute = {
  operation: "updateOrganisation",
  summary: "Change an organisation: what is absent stays",
  tag: "Organisations",
  method: "PATCH",
  path: "/v1/orgs/:org",
  access: "configure",
  changesConfiguration: true,
  query: noQuery,
  body: z.strictObject({ name: name.optional(), strict_event_types: strictEventTypes }),
  success: { status: 200, body: organisation },
} as const satisfies Route;
