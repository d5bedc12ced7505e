/** The hash under which an API key is known: the only thing that is ever stored of it. */

import { hash } from "node:crypto";

/** SHA-256. A key is random enough to need neither salt nor stretching. */
export function hashOfKey(key: string): Buffer {
  return hash("sha256", key, "buffer");
}
