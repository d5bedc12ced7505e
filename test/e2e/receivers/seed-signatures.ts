/** The checks that the seed systems give their receivers, written from their documents and from nothing of Posthorn. */

import { createHmac, timingSafeEqual } from "node:crypto";
import type { RecordedRequest } from "@posthorn/testkit";

/** Myop, Znyx and MUTX: the header is `sha256=` and the HMAC of the raw body, under the whole secret as it was shown. */
export function verifiesBody(request: RecordedRequest, headerName: string, secret: string): boolean {
  const expected = `sha256=${createHmac("sha256", secret).update(request.body).digest("hex")}`;
  const given = request.header(headerName) ?? "";
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}

const OLD_S_MAX = 300;
const EARLY_S_MAX = 60;

/** Nextmv: two parts, of which the first is a time in seconds that must be near. */
export function verifiesNextmv(request: RecordedRequest, secret: string): boolean {
  const parts = (request.header("nextmv-signature") ?? "").split(",");
  const seconds = Number.parseInt(parts[0]?.split("=")[1] ?? "", 10);
  const ageS = Date.now() / 1_000 - seconds;
  if (parts.length !== 2 || !(ageS < OLD_S_MAX && ageS > -EARLY_S_MAX)) return false;
  const expected = createHmac("sha256", secret).update(`${seconds}.`).update(request.body).digest("hex");
  return parts[1]?.split("=")[1] === expected;
}
