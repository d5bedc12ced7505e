/** What happens in a run, from its seed alone: who publishes and configures what, and which faults there are when. */

import {
  ALL_PARTITIONS,
  type OrgId,
  parseOrgId,
  parseWebhookId,
  partitionOf,
  type WebhookConfig,
  type WebhookId,
} from "@posthorn/domain";
import type { SeededRandom } from "@posthorn/testkit";
import type { BrokerFaults } from "./broker-model.ts";
import type { DatabaseFaults } from "./database-model.ts";
import { MOODS, type Mood } from "./receiver-model.ts";
import { newUuid } from "./world.ts";

export const SERVICES = ["matcher", "dispatcher", "projector", "scheduler"] as const;
export type ServiceName = (typeof SERVICES)[number];

export type Happening =
  | { readonly kind: "publish"; readonly orgId: OrgId; readonly types: readonly string[] }
  /** `version` follows from the order. Undefined: it is deleted. */
  | { readonly kind: "configure"; readonly webhookId: WebhookId; readonly change: WebhookChange }
  | { readonly kind: "mood"; readonly webhookId: WebhookId; readonly mood: Mood }
  | { readonly kind: "crash"; readonly service: ServiceName; readonly downMs: number }
  | { readonly kind: "freeze"; readonly service: ServiceName; readonly ms: number }
  | { readonly kind: "broker-restart"; readonly downMs: number; readonly forgetsAcks: boolean }
  | { readonly kind: "leader-change"; readonly orgId: OrgId }
  | { readonly kind: "broker-faults"; readonly faults: BrokerFaults; readonly ms: number }
  | { readonly kind: "database-down"; readonly ms: number }
  | { readonly kind: "database-faults"; readonly faults: DatabaseFaults; readonly ms: number };

export type WebhookChange =
  | Partial<Pick<WebhookConfig, "isActive" | "patterns" | "disabledByEngine">>
  | "create"
  | "delete";

export type Step = { readonly atMs: number; readonly happening: Happening };

/** A process that dies at an unlucky moment: right after so many messages of a stream were stored, or requests sent. */
export type Trigger = {
  readonly what: (typeof TRIGGERED_BY)[number];
  readonly count: number;
  readonly delayMs: number;
  readonly service: ServiceName;
  readonly downMs: number;
};

const TRIGGERED_BY = ["INGEST", "LOG", "DELIVER", "RETRY", "request"] as const;

export type History = {
  readonly orgs: readonly OrgId[];
  /** Those that a `create` has still to make are among them. */
  readonly webhooks: readonly WebhookConfig[];
  /** Configured before anything else happens. */
  readonly atFirst: readonly WebhookId[];
  readonly steps: readonly Step[];
  readonly triggers: readonly Trigger[];
  readonly dispatchers: number;
  /** Shorter than in the service in some runs: it ends while its ids are still of use. */
  readonly dedupeMs: number;
};

/** From here on all is well, and stays so. */
export const HEALED_AT_MS = 14_000;
const TYPES = ["agent.run", "agent.stop", "job.done"];
const PATTERNS = [["*"], ["agent.*"], ["job.done"], ["agent.run", "agent.*"]];
const RETRIES_S = [[1, 5, 20], [2, 2], [4], [1, 1, 1, 1]];
const PUBLISHES = { min: 3, max: 8 };
const FAULTS_MAX = 3;
const TRIGGERS_MAX = 2;

export function planHistory(random: SeededRandom): History {
  const orgs = Array.from({ length: random.integer(1, 2) }, () => newOrganisation(random));
  const webhooks = Array.from({ length: random.integer(2, 3) }, () => newWebhook(random, random.pick(orgs)));
  const later = random.next() < 0.6 ? webhooks.slice(-1) : [];
  const atFirst = webhooks.filter((webhook) => !later.includes(webhook)).map(({ id }) => id);
  const steps = [
    ...publishes(random, orgs),
    ...later.flatMap((webhook) => lateConfiguration(random, webhook)),
    ...changes(random, webhooks),
    ...moods(random, webhooks),
    ...Array.from({ length: random.integer(0, FAULTS_MAX) }, () => fault(random, orgs)),
  ];
  return {
    orgs,
    webhooks,
    atFirst,
    steps: steps.sort((a, b) => a.atMs - b.atMs),
    triggers: Array.from({ length: random.integer(0, TRIGGERS_MAX) }, () => trigger(random)),
    dispatchers: random.integer(1, 2),
    dedupeMs: random.pick([120_000, 120_000, 20_000]),
  };
}

/** Of a partition that there is. */
function newOrganisation(random: SeededRandom): OrgId {
  for (;;) {
    const orgId = sound(parseOrgId(newUuid(random)));
    if (ALL_PARTITIONS.includes(partitionOf(orgId))) return orgId;
  }
}

function newWebhook(random: SeededRandom, orgId: OrgId): WebhookConfig {
  const id = sound(parseWebhookId(newUuid(random)));
  return {
    kind: "webhook",
    id,
    orgId,
    url: `https://receiver.example/${id}`,
    patterns: random.pick(PATTERNS),
    profile: random.pick(["standard", "nextmv"]),
    timeoutMs: random.pick([1_000, 4_000]),
    retryDelaysS: random.pick(RETRIES_S),
    isActive: true,
    disabledByEngine: false,
    secrets: [],
    legacySignsWith: "old",
    hasSecret: true,
    filter: undefined,
    eventTypePrefix: "",
    sealedToken: undefined,
    sealedHeaders: undefined,
    rateLimit: undefined,
    ordered: false,
  };
}

/** Often several in one moment. */
function publishes(random: SeededRandom, orgs: readonly OrgId[]): readonly Step[] {
  let atMs = 500;
  return Array.from({ length: random.integer(PUBLISHES.min, PUBLISHES.max) }, (): Step => {
    atMs += random.next() < 0.6 ? random.integer(0, 40) : random.integer(100, 2_000);
    const types = Array.from({ length: random.integer(1, 2) }, () => random.pick(TYPES));
    return { atMs, happening: { kind: "publish", orgId: random.pick(orgs), types } };
  });
}

/** It is made, and something is published right after that, and again after it is gone. */
function lateConfiguration(random: SeededRandom, { id, orgId }: WebhookConfig): readonly Step[] {
  const madeAtMs = random.integer(600, 8_000);
  const goneAtMs = madeAtMs + random.integer(5, 6_000);
  const publish = (atMs: number): Step => ({
    atMs,
    happening: { kind: "publish", orgId, types: [random.pick(TYPES)] },
  });
  const configure = (atMs: number, change: WebhookChange): Step => ({
    atMs,
    happening: { kind: "configure", webhookId: id, change },
  });
  const made = [configure(madeAtMs, "create"), publish(madeAtMs + random.next())];
  const gone = [configure(goneAtMs, "delete"), publish(goneAtMs + random.next())];
  return random.next() < 0.5 ? [...made, ...gone] : made;
}

function changes(random: SeededRandom, webhooks: readonly WebhookConfig[]): readonly Step[] {
  const steps: Step[] = [];
  const configure = (atMs: number, { id, orgId }: WebhookConfig, change: WebhookChange) => {
    steps.push({ atMs, happening: { kind: "configure", webhookId: id, change } });
    if (random.next() < 0.5) return;
    steps.push({ atMs: atMs + random.next(), happening: { kind: "publish", orgId, types: [random.pick(TYPES)] } });
  };
  for (const webhook of webhooks) {
    if (random.next() < 0.3) configure(random.integer(700, 10_000), webhook, { patterns: random.pick(PATTERNS) });
    if (random.next() >= 0.35) continue;
    const pausedAtMs = random.integer(600, 8_000);
    configure(pausedAtMs, webhook, { isActive: false });
    configure(pausedAtMs + random.integer(500, 8_000), webhook, { isActive: true });
  }
  return steps;
}

function moods(random: SeededRandom, webhooks: readonly WebhookConfig[]): readonly Step[] {
  return webhooks.flatMap(({ id }) =>
    Array.from({ length: random.integer(0, 3) }, (): Step => {
      const mood = random.next() < 0.9 ? random.pick(MOODS.slice(0, -1)) : "gone";
      return { atMs: random.integer(0, 9_000), happening: { kind: "mood", webhookId: id, mood } };
    }),
  );
}

/** Most of what can go wrong between two messages goes wrong within the time that one takes. */
function trigger(random: SeededRandom): Trigger {
  return {
    what: random.pick(TRIGGERED_BY),
    count: random.integer(1, 12),
    delayMs: random.next() < 0.5 ? random.next() * 4 : random.next() * 60,
    service: random.pick(["dispatcher", "dispatcher", ...SERVICES]),
    downMs: random.integer(100, 4_000),
  };
}

function fault(random: SeededRandom, orgs: readonly OrgId[]): Step {
  // Most are early, while there is work under way.
  const atMs = random.integer(500, random.next() < 0.7 ? 6_000 : 12_000) + random.next();
  const service = random.pick(SERVICES);
  const share = () => random.next() * 0.3;
  const kinds: readonly Happening[] = [
    { kind: "crash", service, downMs: random.integer(100, 4_000) },
    { kind: "crash", service: "dispatcher", downMs: random.integer(100, 4_000) },
    { kind: "freeze", service, ms: random.integer(500, 25_000) },
    { kind: "broker-restart", downMs: random.integer(50, 6_000), forgetsAcks: random.next() < 0.6 },
    { kind: "leader-change", orgId: random.pick(orgs) },
    {
      kind: "broker-faults",
      faults: { lost: share(), answerLost: share(), answerLate: share() },
      ms: random.integer(500, 8_000),
    },
    { kind: "database-down", ms: random.integer(500, 15_000) },
    {
      kind: "database-faults",
      faults: { aborted: share(), commitUnanswered: share() },
      ms: random.integer(500, 10_000),
    },
  ];
  return { atMs, happening: random.pick(kinds) };
}

/** The generator writes ids as they have to be. */
export function sound<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error("the id is none");
  return value;
}
