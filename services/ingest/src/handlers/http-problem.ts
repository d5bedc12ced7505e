/** How HTTP tells a refusal: as an RFC 9457 problem whose type is the code of the catalogue. */

import type { Problem } from "@posthorn/service-runtime";
import { isMomentary, REFUSALS, RETRY_AFTER_S, type Refusal, type RefusalCode } from "../core/refusals.ts";

export function problemOf({ code, detail, errors }: Refusal): Problem {
  const { httpStatus, title } = REFUSALS[code];
  return {
    status: httpStatus,
    type: `urn:posthorn:problem:${code}`,
    title,
    detail,
    headers: headersOf(code),
    ...(errors.length === 0 ? {} : { errors }),
  };
}

function headersOf(code: RefusalCode): Readonly<Record<string, string>> {
  if (code === "unauthenticated") return { "www-authenticate": "Bearer" };
  return isMomentary(code) ? { "retry-after": String(RETRY_AFTER_S) } : {};
}
