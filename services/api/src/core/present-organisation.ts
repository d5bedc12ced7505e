/** An organisation as JSON. */

import type { OrgId } from "@posthorn/domain";
import { instant } from "./instant.ts";

export type Organisation = { readonly id: OrgId; readonly name: string; readonly createdAtMs: number };

export function presentOrganisation({ id, name, createdAtMs }: Organisation) {
  return { id, name, created_at: instant(createdAtMs) };
}
