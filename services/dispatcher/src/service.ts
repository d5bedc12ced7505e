/** Builds the dispatcher from its parts and starts it. */

import { randomUUID } from "node:crypto";
import {
  createEgressClient,
  createResolver,
  type EgressPolicy,
  egressPolicyOf,
  type ParsedTargetUrl,
  parseTargetUrl,
} from "@posthorn/egress";
import {
  BusConnection,
  ConfigReplica,
  ensureStreams,
  keepStreams,
  Publisher,
  STREAM_BYTES_MAX_DEFAULT,
} from "@posthorn/message-bus";
import { type Health, retryForever, type Shell, watchDependency } from "@posthorn/service-runtime";
import type { DispatcherConfig } from "./config.ts";
import { planAttempt } from "./core/plan-attempt.ts";
import { createDispatcherEvents, type DispatcherEvents } from "./events.ts";
import type { Configuration } from "./handlers/deliver-item.ts";
import { createDispatchItem } from "./handlers/dispatch-item.ts";
import { createReservePlace } from "./handlers/reserve-place.ts";
import { RunningTests } from "./handlers/running-tests.ts";
import { createSendRequest } from "./handlers/send-request.ts";
import { createSendTest, type TestPorts } from "./handlers/send-test.ts";
import { WebhookGates } from "./handlers/webhook-gates.ts";
import { openFence } from "./io/fence.ts";
import { openOutcomeLog } from "./io/outcome-log.ts";
import { openPayloadReader } from "./io/payload-reader.ts";
import { openSigner } from "./io/signer-stream.ts";
import { WebhookDirectory } from "./io/webhook-directory.ts";
import { openLanes } from "./lanes.ts";
import { serveTests } from "./serve-tests.ts";

/** A test holds no slot of a lane, so it has this bound of its own. */
const TESTS_MAX = 32;
/** At a stop, tests under way get this long to end, and then, cut short, that long to be logged. */
const TEST_DRAIN_MS_MAX = 5_000;
const TEST_LOG_MS_MAX = 1_000;
const RETRY_MS = { firstDelayMs: 200, maxDelayMs: 5_000 };
/** Share of the server's largest message that one of ours may fill. */
const MESSAGE_SHARE = 0.75;

export type Dispatcher = AsyncDisposable & {
  /** The port in use, also when any free one was asked for. */
  readonly grpcPort: number;
};

export async function startDispatcher(config: DispatcherConfig, shell: Shell): Promise<Dispatcher> {
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
  const onStreamTrouble = (reason: string) => events.trouble("stream", reason);
  stack.use(keepStreams(connection, { settings: streams, onTrouble: onStreamTrouble }));
  const publisher = stack.use(
    new Publisher(connection, { onRefused: (subject, message) => events.trouble(subject, message) }),
  );
  const configuration = openConfiguration(connection, publisher, events, shell.health, stack);
  const tests = new RunningTests(TESTS_MAX);
  // Disposed after the client, which cuts off what takes too long, and before the publisher.
  stack.defer(() => tests.stop(TEST_LOG_MS_MAX));
  const resolver = stack.use(createResolver({ servers: config.dnsServers }));
  const policy = egressPolicyOf(config);
  const userAgent = `Posthorn/${shell.version}`;
  const egress = stack.use(createEgressClient({ policy, resolver, userAgent, proxy: config.egressProxy }));
  const signer = stack.use(openSigner(config.signerTarget, (reason) => events.trouble("signer", reason)));
  const fence = stack.use(openFence(connection, config.projectorTarget));
  // Named, but not required: attempts wait for a signer, and go on without a projector.
  stack.use(watchDependency(shell.health.dependency("signer", { required: false }), () => signer.reach()));
  stack.use(watchDependency(shell.health.dependency("projector", { required: false }), () => fence.reach()));
  const messageBytesMax = Math.floor((connection.nats.info?.max_payload ?? 0) * MESSAGE_SHARE);
  const dispatcher = randomUUID();
  const parseTarget = targetParser(policy);
  const gates = stack.use(new WebhookGates());
  const sending = { signer, egress, parseTarget, userAgent, tracing, dispatcher, nowMs: Date.now };
  const reserve = createReservePlace(egress, gates);
  const sendRequest = createSendRequest({ ...sending, egress: { post: egress.post, reserve } });
  const outcomes = openOutcomeLog(publisher, messageBytesMax);
  const dispatch = createDispatchItem({
    configuration,
    fence,
    payloads: openPayloadReader(connection, (reason) => events.trouble("payload", reason)),
    sendRequest,
    log: outcomes,
    events,
    chance: { nowMs: Date.now, roll: Math.random },
  });
  const lanes = await openLanes(connection, metrics, { gates, dispatch, events });
  for (const lane of lanes) stack.use(lane);
  const sendTest = createSendTest({
    running: tests,
    configuration,
    // Past the gates: a test tells nothing of the webhook's load.
    sendRequest: createSendRequest(sending),
    log: outcomes,
    events,
    dispatcher,
    nowMs: Date.now,
  });
  const server = await serveTests(config, shell, sendTest);
  // Beside each other, or one would use up the other's time. What waits for a signature is handed back at once.
  stack.defer(async () => {
    const testsEnded = tests.stop(TEST_DRAIN_MS_MAX);
    const ended = [...lanes, server].map((part) => part[Symbol.asyncDispose]());
    signer[Symbol.dispose]();
    await Promise.all([testsEnded, ...ended]);
  });
  const owned = stack.move();
  return { grpcPort: server.port, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function openConfiguration(
  connection: BusConnection,
  publisher: Publisher,
  events: DispatcherEvents,
  health: Health,
  stack: AsyncDisposableStack,
): Configuration & TestPorts["configuration"] {
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
    reached: (revision) => (replica.hasReached(revision) ? undefined : replica.reached(revision)),
    lookUp: (item) => webhooks.get(item.orgId, item.webhookId),
    plan: (item) => {
      const { orgId, webhookId, eventId } = item;
      return planAttempt(item, webhooks.get(orgId, webhookId), webhooks.isPayloadDeleted(orgId, eventId), Date.now());
    },
    disable: ({ id }, version) => webhooks.disable(id, version),
  };
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
