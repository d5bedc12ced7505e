/**
 * Every place at which a process can be told to die, by service. Each process of a service dies at one of them, in this
 * order; ":20" is its 20th passing there, for the load to be under way by then.
 */
export const CRASH_POINTS = {
  ingest: ["ingest.received:20", "ingest.stored:20"],
  // Messages of the log and of work alternate: with some of the items stored, and with all of them.
  matcher: ["matcher.logged:20", "matcher.stored:40", "matcher.published:20"],
  dispatcher: [
    "dispatcher.signed:20",
    "dispatcher.posted:20",
    "dispatcher.logged:20",
    "dispatcher.acknowledged:20",
    "dispatcher.run-advanced:2",
    "dispatcher.parked",
  ],
  projector: ["projector.folded:5", "projector.committed:5"],
  scheduler: [
    "scheduler.claimed:2",
    "scheduler.released:2",
    "scheduler.run-claimed",
    // From here on somebody has to bring it about: a replay, and a delivery that lost its work.
    "scheduler.page-logged",
    "scheduler.reconciled",
  ],
  // The first one at its very first start, before the bucket has its sentinel.
  api: ["api.copied", "api.committed:12", "api.written:2", "api.logged:2"],
} as const;

export type CrashingService = keyof typeof CRASH_POINTS;

export const CRASHING_SERVICES = Object.keys(CRASH_POINTS) as readonly CrashingService[];

/** "ingest.received" of "ingest.received:20". */
export function pointNameOf(specification: string): string {
  return specification.split(":")[0] ?? "";
}

/** What the processes of a stack are to be started with. */
export function crashEnvironment(): Readonly<Record<CrashingService, { readonly POSTHORN_CRASH_POINT: string }>> {
  const entries = CRASHING_SERVICES.map((service) => [
    service,
    { POSTHORN_CRASH_POINT: CRASH_POINTS[service].join(",") },
  ]);
  return Object.fromEntries(entries) as ReturnType<typeof crashEnvironment>;
}
