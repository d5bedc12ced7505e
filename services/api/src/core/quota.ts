/** What an API key may still do in this minute, and how its holder is told: RateLimit headers, draft 11 of the IETF. */

export const QUOTA_WINDOW_S = 60;

export type Quota = {
  /** Requests per window. */
  readonly limit: number;
  /** Requests that are left in this window. */
  readonly remaining: number;
  /** Whole seconds until the window ends. */
  readonly resetS: number;
  readonly isExceeded: boolean;
};

export function quotaHeaders({ limit, remaining, resetS }: Quota) {
  return {
    "ratelimit-policy": `"default";q=${limit};w=${QUOTA_WINDOW_S}`,
    ratelimit: `"default";r=${remaining};t=${resetS}`,
  };
}
