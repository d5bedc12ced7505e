/** Organisations: the tenants of an installation. */

import { z } from "zod";
import { id, name, pageQuery, pageSchema, time } from "./fields.ts";
import { noQuery, type Route } from "./route.ts";

const organisation = z.strictObject({ id, name: z.string(), created_at: time });

export const createOrganisationRoute = {
  operation: "createOrganisation",
  summary: "Create an organisation",
  method: "POST",
  path: "/v1/orgs",
  access: "manage-organisations",
  changesConfiguration: true,
  query: noQuery,
  body: z.strictObject({ name }),
  success: { status: 201, body: organisation },
} as const satisfies Route;

export const listOrganisationsRoute = {
  operation: "listOrganisations",
  summary: "List the organisations that the key belongs to: all of them for the root key",
  method: "GET",
  path: "/v1/orgs",
  access: "read",
  changesConfiguration: false,
  query: pageQuery,
  body: undefined,
  success: { status: 200, body: pageSchema(organisation) },
} as const satisfies Route;
