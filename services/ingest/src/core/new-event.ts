/**
 * An event as a publisher hands it in, and the rules that hold for it whichever way it came. `data` is never made a
 * value of: its bytes are kept.
 */

import { callerIdProblem, eventTypeProblem, isOperationalType, limits, timestampProblem } from "@posthorn/domain";
import type { FieldError } from "./refusals.ts";

export type NewEvent = {
  readonly type: string;
  /** JSON text in UTF-8, byte for byte as published. */
  readonly data: Uint8Array;
  /** RFC 3339, verbatim. */
  readonly timestamp: string | undefined;
  readonly callerId: string | undefined;
};

export const DATA_TOO_LARGE = `data has more than ${limits.EVENT_DATA_BYTES_MAX} bytes`;

/** What is wrong with the texts of an event; JSON pointers are relative to the event. */
export function textErrors(event: Pick<NewEvent, "type" | "timestamp" | "callerId">): FieldError[] {
  return [
    ...fieldError("/type", eventTypeProblem(event.type) ?? reservedProblem(event.type)),
    ...fieldError("/id", event.callerId === undefined ? undefined : callerIdProblem(event.callerId)),
    ...fieldError("/timestamp", event.timestamp === undefined ? undefined : timestampProblem(event.timestamp)),
  ];
}

function reservedProblem(type: string): string | undefined {
  return isOperationalType(type)
    ? 'must not begin with "posthorn.", which is reserved for operational events'
    : undefined;
}

function fieldError(path: string, message: string | undefined): FieldError[] {
  return message === undefined ? [] : [{ path, message }];
}
