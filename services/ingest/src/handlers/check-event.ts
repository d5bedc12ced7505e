/**
 * Holds an event against its organisation's catalogue of types. What does not fit may fit a configuration that has not
 * arrived yet, so the copy is brought up to date once before anything is refused for that.
 */

import type { OrgId } from "@posthorn/domain";
import type { KnownTypes } from "../core/known-types.ts";
import type { NewEvent } from "../core/new-event.ts";
import { type Checked, type FieldError, momentary, type Refused, refused, sound } from "../core/refusals.ts";

/** What fits is known at once, so that events of one stream keep their order; a refusal may take a moment. */
export type CheckEvent = (org: OrgId, event: NewEvent) => Checked<NewEvent> | Promise<Checked<NewEvent>>;

type Ports = {
  readonly directory: { readonly types: KnownTypes; catchUp(deadlineMs: number): Promise<boolean> };
  readonly schemas: { problemsOf(schema: string, data: Uint8Array): readonly FieldError[] };
};

/** The same as for an unknown key. */
const CATCH_UP_DEADLINE_MS = 2_000;

export function createCheckEvent({ directory, schemas }: Ports): CheckEvent {
  const refusalOf = (org: OrgId, event: NewEvent): Refused | undefined => {
    const rule = directory.types.ruleOf(org, event.type);
    switch (rule.kind) {
      case "free":
        return undefined;
      case "unknown":
        return UNKNOWN_TYPE;
      case "schema":
        return misfit(schemas.problemsOf(rule.schema, event.data));
      default:
        return rule satisfies never;
    }
  };
  const lookAgain = async (org: OrgId, event: NewEvent): Promise<Checked<NewEvent>> => {
    const isUpToDate = await directory.catchUp(CATCH_UP_DEADLINE_MS);
    return isUpToDate ? (refusalOf(org, event) ?? sound(event)) : momentary("configuration_incomplete");
  };
  return (org, event) => (refusalOf(org, event) === undefined ? sound(event) : lookAgain(org, event));
}

const UNKNOWN_TYPE = refused("unknown_event_type", "The event's type is not in the organisation's catalogue.", [
  { path: "/type", message: "is not in the organisation's catalogue of event types" },
]);

function misfit(problems: readonly FieldError[]): Refused | undefined {
  const [first] = problems;
  if (first === undefined) return undefined;
  const errors = problems.map(({ path, message }) => ({ path: `/data${path}`, message }));
  return refused("data_misfit", `The event's data${first.path} ${first.message}.`, errors);
}
