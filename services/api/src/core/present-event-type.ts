/** An event type of the catalogue as JSON. */

import type { EventTypeId } from "@posthorn/domain";
import { instant } from "./instant.ts";

export type EventType = {
  readonly id: EventTypeId;
  readonly name: string;
  readonly description: string | undefined;
  /** JSON Schema; undefined: any data will do. */
  readonly schema: Readonly<Record<string, unknown>> | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

export function presentEventType({ id, name, description, schema, createdAtMs, updatedAtMs }: EventType) {
  return {
    id,
    name,
    description: description ?? null,
    schema: schema ?? null,
    created_at: instant(createdAtMs),
    updated_at: instant(updatedAtMs),
  };
}
