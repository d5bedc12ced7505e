/** How one attempt is named where it stands alone: its delivery's id, a dash, and its number. */

import { type DeliveryId, parseDeliveryId } from "@posthorn/domain";

export type AttemptName = { readonly deliveryId: DeliveryId; readonly number: number };

const ATTEMPT_NAME = /^(.+)-([1-9]\d{0,8})$/;

export function attemptName({ deliveryId, number }: AttemptName): string {
  return `${deliveryId}-${number}`;
}

/** Undefined when the text names none. */
export function parseAttemptName(text: string): AttemptName | undefined {
  const [, id = "", number] = ATTEMPT_NAME.exec(text) ?? [];
  const deliveryId = parseDeliveryId(id);
  return deliveryId === undefined ? undefined : { deliveryId, number: Number(number) };
}
