/** What one batch may hold. A batch is signed without a pause, so its size is how long other streams wait. */

import type { ItemToSign } from "./sign-item.ts";

export const BATCH_ITEMS_MAX = 256;
/** All bodies of a batch together, and the sealed headers that go with them: some 10 ms of HMAC. */
export const BATCH_BYTES_MAX = 4 * 1024 * 1024;
/** A rotation needs two; every secret is one more HMAC and one more signature in the header. */
export const SECRETS_PER_ITEM_MAX = 10;

/** Undefined when the batch keeps the limits, else which one it does not. */
export function batchProblem(items: readonly ItemToSign[]): string | undefined {
  if (items.length > BATCH_ITEMS_MAX) return `has ${items.length} items, allowed are ${BATCH_ITEMS_MAX}`;
  const bytes = items.reduce((sum, item) => sum + bytesOf(item), 0);
  if (bytes > BATCH_BYTES_MAX) {
    return `has ${bytes} bytes of bodies and sealed headers, allowed are ${BATCH_BYTES_MAX}`;
  }
  const index = items.findIndex(({ sealedSecrets }) => sealedSecrets.length > SECRETS_PER_ITEM_MAX);
  const tooMany = items[index];
  if (tooMany === undefined) return undefined;
  return `has ${tooMany.sealedSecrets.length} secrets in item ${index}, allowed are ${SECRETS_PER_ITEM_MAX}`;
}

function bytesOf({ body, sealedToken, sealedHeaders }: ItemToSign): number {
  return body.length + sealedToken.length + sealedHeaders.length;
}
