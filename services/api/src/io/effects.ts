/**
 * Whether a change can take effect now, and when it has. Configuration takes effect by its bucket; what a person asks
 * of deliveries does by LOG. The audit goes to LOG too, but nobody waits for it: a LOG that is full must not keep an
 * operator from revoking a key.
 */

import type { Route } from "../schemas/route.ts";
import type { Outbox } from "./outbox.ts";

export type Effects = {
  readonly canApply: (route: Route) => boolean;
  /** True once everything that the route had committed is in effect; false when that takes too long. */
  readonly settled: (route: Route) => Promise<boolean>;
};

export type EffectsPorts = {
  /** Whether the bucket can be written to, as far as is known. */
  readonly isBucketThere: () => boolean;
  readonly configOutbox: Pick<Outbox, "isFlowing" | "settled">;
  readonly logOutbox: Pick<Outbox, "isFlowing" | "settled">;
};

export function effectsOf({ isBucketThere, configOutbox, logOutbox }: EffectsPorts): Effects {
  return {
    canApply: ({ goesByLog = false }) =>
      isBucketThere() && configOutbox.isFlowing && (!goesByLog || logOutbox.isFlowing),
    settled: async ({ goesByLog = false }) => {
      const logged = logOutbox.settled();
      const [isConfigured, isLogged] = await Promise.all([configOutbox.settled(), goesByLog ? logged : true]);
      return isConfigured && isLogged;
    },
  };
}
