/** An organisation as JSON. */

import type { OrgId } from "@posthorn/domain";
import { instant } from "./instant.ts";

export type Organisation = {
  readonly id: OrgId;
  readonly name: string;
  /** Events of types that its catalogue does not have are refused. */
  readonly strictEventTypes: boolean;
  readonly createdAtMs: number;
};

export function presentOrganisation({ id, name, strictEventTypes, createdAtMs }: Organisation) {
  return { id, name, strict_event_types: strictEventTypes, created_at: instant(createdAtMs) };
}
