/** Builds the dispatcher from its parts and starts it. */

import { randomUUID } from "node:crypto";
import {
  createEgressClient,
  createResolver,
  type EgressPolicy,
  type ParsedTargetUrl,
  parseCidrList,
  parseTargetUrl,
} from "@posthorn/egress";
import {
  BusConnection,
  ConfigReplica,
  ensureStreams,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
  type StreamName,
  WorkSource,
} from "@posthorn/message-bus";
import { type Health, retryForever, type Shell, watchDependency } from "@posthorn/service-runtime";
import type { DispatcherConfig } from "./config.ts";
import { planAttempt } from "./core/plan-attempt.ts";
import { createDispatcherEvents, type DispatcherEvents } from "./events.ts";
import { type Configuration, createDispatchItem, type DispatchItem } from "./handlers/dispatch-item.ts";
import { Lane } from "./handlers/run-lane.ts";
import { createSendRequest } from "./handlers/send-request.ts";
import { openFence } from "./io/fence.ts";
import { openOutcomeLog } from "./io/outcome-log.ts";
import { openPayloadReader } from "./io/payload-reader.ts";
import { openSigner } from "./io/signer-stream.ts";
import { WebhookDirectory } from "./io/webhook-directory.ts";

/** First attempts in hand at once, unlogged outcomes included. */
const FIRST_ATTEMPTS_MAX = 512;
/** Likewise for what the scheduler releases. */
const RELEASED_MAX = 128;
/** Waiting here per partition, on top of what is in hand. */
const PREFETCH_MAX = 128;
/** Without a sign of life for this long an item goes to another dispatcher. */
const LEASE_MS = 60_000;
const LEASE_RENEW_MS = 40_000;
const RETRY_MS = { firstDelayMs: 200, maxDelayMs: 5_000 };
/** Share of the server's largest message that one of ours may fill. */
const MESSAGE_SHARE = 0.75;

export async function startDispatcher(config: DispatcherConfig, shell: Shell): Promise<AsyncDisposable> {
  await using stack = new AsyncDisposableStack();
  const { log, metrics, tracing } = shell;
  const events = createDispatcherEvents(log, metrics);
  const { stopping } = shell;
  const health = shell.health.dependency("nats");
  const connection = stack.use(
    await BusConnection.open({ servers: config.natsUrls.join(","), name: "dispatcher", health, stopping }),
  );
  const streams = { replicas: config.natsReplicas, bytesMax: STREAM_BYTES_MAX_DEFAULT };
  await retryForever(() => ensureStreams(connection, streams), {
    ...RETRY_MS,
    signal: stopping,
    onRetry: ({ error }) => events.trouble("stream", String(error)),
  });
  const publisher = stack.use(
    new Publisher(connection, { onRefused: (subject, message) => events.trouble(subject, message) }),
  );
  const configuration = openConfiguration(connection, publisher, events, shell.health, stack);
  const resolver = stack.use(createResolver({ servers: config.dnsServers }));
  const policy = egressPolicy(config);
  const userAgent = `Posthorn/${shell.version}`;
  const egress = stack.use(createEgressClient({ policy, resolver, userAgent }));
  const signer = stack.use(openSigner(config.signerTarget, (reason) => events.trouble("signer", reason)));
  const fence = stack.use(openFence(connection, config.projectorTarget));
  // Named, but not required: attempts wait for a signer, and go on without a projector.
  stack.use(watchDependency(shell.health.dependency("signer", { required: false }), () => signer.reach()));
  stack.use(watchDependency(shell.health.dependency("projector", { required: false }), () => fence.reach()));
  const messageBytesMax = Math.floor((connection.nats.info?.max_payload ?? 0) * MESSAGE_SHARE);
  const dispatch = createDispatchItem({
    configuration,
    fence,
    payloads: openPayloadReader(connection, (reason) => events.trouble("payload", reason)),
    sendRequest: createSendRequest({
      signer,
      egress,
      parseTarget: targetParser(policy),
      userAgent,
      tracing,
      dispatcher: randomUUID(),
      nowMs: Date.now,
    }),
    log: openOutcomeLog(publisher, messageBytesMax),
    events,
    chance: { nowMs: Date.now, roll: Math.random },
  });
  const first = stack.use(await openLane(connection, "DELIVER", FIRST_ATTEMPTS_MAX, dispatch, events));
  const released = stack.use(await openLane(connection, "RETRY", RELEASED_MAX, dispatch, events));
  // Beside each other, or one would use up the other's time. What waits for a signature is handed back at once.
  stack.defer(async () => {
    const ended = Promise.all([first[Symbol.asyncDispose](), released[Symbol.asyncDispose]()]);
    signer[Symbol.dispose]();
    await ended;
  });
  metrics.gauge("in_hand", "Work items in hand", {
    labelNames: ["lane"],
    collect: (gauge) => {
      gauge.set({ lane: "first" }, first.inHand);
      gauge.set({ lane: "released" }, released.inHand);
    },
  });
  return stack.move();
}

function openConfiguration(
  connection: BusConnection,
  publisher: Publisher,
  events: DispatcherEvents,
  health: Health,
  stack: AsyncDisposableStack,
): Configuration {
  const webhooks = new WebhookDirectory();
  const replica = stack.use(
    new ConfigReplica(connection, publisher, {
      onValue: (key, value) => webhooks.apply(key, value),
      onReset: () => webhooks.clear(),
      onTrouble: (reason) => events.trouble("configuration", reason),
    }),
  );
  const looksComplete = async () => {
    if (!replica.isComplete) throw new Error("the copy of the configuration is not complete yet");
  };
  stack.use(watchDependency(health.dependency("configuration"), looksComplete));
  return {
    reached: (revision) => replica.reached(revision),
    plan: (item) => planAttempt(item, webhooks.get(item.orgId, item.webhookId), Date.now()),
  };
}

async function openLane(
  connection: BusConnection,
  stream: StreamName,
  slotsMax: number,
  dispatch: DispatchItem,
  events: DispatcherEvents,
): Promise<Lane> {
  const source = await WorkSource.open(connection, {
    stream,
    worker: "dispatcher",
    prefetchMax: PREFETCH_MAX,
    leaseMs: LEASE_MS,
    onTrouble: (reason) => events.trouble("stream", reason),
  });
  const onFailure = (error: unknown) => events.failed(error);
  return new Lane({ source, slotsMax, leaseRenewMs: LEASE_RENEW_MS, dispatch, onFailure });
}

function egressPolicy(config: DispatcherConfig): EgressPolicy {
  const parsed = parseCidrList(config.allowedTargets.join(","));
  if (parsed.kind === "refused") throw new Error(parsed.message);
  return { allowHttp: config.allowHttp, allowedTargets: parsed.cidrs };
}

/** URLs repeat: the last ones parsed are kept. */
function targetParser(policy: EgressPolicy): (url: string) => ParsedTargetUrl {
  const parsed = new Map<string, ParsedTargetUrl>();
  return (url) => {
    const known = parsed.get(url);
    if (known !== undefined) return known;
    if (parsed.size >= PARSED_URLS_MAX) parsed.clear();
    const target = parseTargetUrl(url, policy);
    parsed.set(url, target);
    return target;
  };
}

const PARSED_URLS_MAX = 10_000;
