/** How the requests of a webhook are signed: by a secret that both sides know, or by a key of which one side is public. */

export const SIGNINGS = ["hmac", "ed25519"] as const;
export type Signing = (typeof SIGNINGS)[number];
