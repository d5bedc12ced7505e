/** Recognises who calls by the key they show. Keys are compared by digest, the root key in constant time. */

import { hash, timingSafeEqual } from "node:crypto";
import type { Caller } from "../core/access.ts";

export function callerReader(rootKey: string): (key: string) => Caller {
  const rootDigest = hash("sha256", rootKey, "buffer");
  return (key) => {
    const digest = hash("sha256", key, "buffer");
    return timingSafeEqual(digest, rootDigest) ? { kind: "root" } : { kind: "key", hash: digest.toString("hex") };
  };
}
