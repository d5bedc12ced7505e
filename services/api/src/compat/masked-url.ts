/** Lists show the values of a URL's query masked. Whoever sends such a URL back does not mean the mask. */

import { maskUrl } from "@posthorn/domain";

/** The URL that a request means for a webhook which had `before`. */
export function unmasked(url: string, before: string): string {
  return url === maskUrl(before) ? before : url;
}
