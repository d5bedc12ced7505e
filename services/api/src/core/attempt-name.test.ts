import { parseDeliveryId } from "@posthorn/domain";
import { expect, it } from "vitest";
import { attemptName, parseAttemptName } from "./attempt-name.ts";

const ID = "01890a5d-ac96-774b-bcce-b302099a8057";
const deliveryId = parseDeliveryId(ID);
if (deliveryId === undefined) throw new Error("the test's id is malformed");

it.each([1, 2, 51, 999_999_999])("reads back what it wrote for attempt %i", (number) => {
  const text = attemptName({ deliveryId, number });
  expect(text).toBe(`${ID}-${number}`);
  expect(parseAttemptName(text)).toEqual({ deliveryId, number });
});

it.each([ID, `${ID}-`, `${ID}-0`, `${ID}-01`, `${ID}--1`, `${ID}-1.5`, `${ID}-1\n`, `${ID}-1234567890`, "acme-1", ""])(
  "finds no attempt in %j",
  (text) => {
    expect(parseAttemptName(text)).toBeUndefined();
  },
);
