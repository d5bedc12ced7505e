/**
 * A dispatcher: its lanes, handlers and core as they are, put together as its `service.ts` does. The signer signs
 * nothing, the egress client is the model of the receivers, and the fence asks whatever projector is there.
 */

import { type EgressClient, type EgressPolicy, parseTargetUrl } from "@posthorn/egress";
import { ConfigReplica, Publisher } from "@posthorn/message-bus";
import { planAttempt } from "../../services/dispatcher/src/core/plan-attempt.ts";
import { createDispatcherEvents, type DispatcherEvents } from "../../services/dispatcher/src/events.ts";
import type { Configuration } from "../../services/dispatcher/src/handlers/deliver-item.ts";
import { createDispatchItem } from "../../services/dispatcher/src/handlers/dispatch-item.ts";
import { createSendRequest, type SendRequest } from "../../services/dispatcher/src/handlers/send-request.ts";
import { WebhookGates } from "../../services/dispatcher/src/handlers/webhook-gates.ts";
import { type AskOutcomes, createFence, type Fence } from "../../services/dispatcher/src/io/fence.ts";
import { openOutcomeLog } from "../../services/dispatcher/src/io/outcome-log.ts";
import { openPayloadReader } from "../../services/dispatcher/src/io/payload-reader.ts";
import type { Signer } from "../../services/dispatcher/src/io/signer-stream.ts";
import { WebhookDirectory } from "../../services/dispatcher/src/io/webhook-directory.ts";
import { openLanes } from "../../services/dispatcher/src/lanes.ts";
import { attemptKey, type Question } from "./observations.ts";
import { NO_METRICS, NO_TRACING, SILENT_LOG } from "./silent-events.ts";
import type { Actor } from "./virtual-time.ts";
import { type Process, startProcess, type World } from "./world.ts";

const MESSAGE_BYTES_MAX = 100_000;
const SIGNING_MS_MAX = 3;
const POLICY: EgressPolicy = { allowHttp: false, allowedTargets: [] };

export function runDispatcher(world: World, name: string, askOutcomes: (process: Process) => AskOutcomes): Process {
  return startProcess(world, name, async (process) => {
    const connection = process.connection.asConnection();
    const events: DispatcherEvents = {
      ...createDispatcherEvents(SILENT_LOG, NO_METRICS),
      failed: (error) => world.observed.bug(`${name} failed: ${String(error)}`),
      gaveUp: (sequence, _subject, _deliveryId, error) =>
        world.observed.bug(`${name} gave message ${sequence} up: ${String(error)}`),
    };
    const publisher = new Publisher(connection);
    const configuration = openConfiguration(connection, publisher);
    const build: Parameters<World["mutation"]["dispatch"]>[0] = (log) =>
      createDispatchItem({
        configuration,
        fence: watchedFence(world, name, world.mutation.fence(createFence(connection, askOutcomes(process)))),
        payloads: openPayloadReader(connection, () => {}),
        sendRequest: watchedSend(world, process),
        log,
        events,
        chance: { nowMs: () => Date.now(), roll: () => world.random.next() },
      });
    const dispatch = world.mutation.dispatch(build, openOutcomeLog(publisher, MESSAGE_BYTES_MAX));
    await openLanes(connection, NO_METRICS, { gates: new WebhookGates(), dispatch, events });
  });
}

function openConfiguration(
  connection: ConstructorParameters<typeof Publisher>[0],
  publisher: Publisher,
): Configuration {
  const webhooks = new WebhookDirectory();
  const replica = new ConfigReplica(connection, publisher, {
    onValue: (key, value) => webhooks.apply(key, value),
    onReset: () => webhooks.clear(),
    onTrouble: () => {},
  });
  return {
    reached: (revision) => replica.reached(revision),
    plan: (item) => {
      const { orgId, webhookId, eventId } = item;
      return planAttempt(item, webhooks.get(orgId, webhookId), webhooks.isPayloadDeleted(orgId, eventId), Date.now());
    },
    disable: ({ id }, version) => webhooks.disable(id, version),
  };
}

/** Remembers when it was asked for what, and what it said. */
function watchedFence({ observed, trace }: World, name: string, fence: Fence): Fence {
  return {
    lookUp: async (partition, item) => {
      const question: Question = { order: observed.next(), answer: undefined };
      const answer = await fence.lookUp(partition, item);
      question.answer = answer;
      trace.add(() => `${name} asked the fence for ${item.deliveryId}:${item.attempt}:${item.release}: ${answer}`);
      observed.questions.set(`${name} ${attemptKey(item.deliveryId, item.attempt)}`, question);
      return answer;
    },
  };
}

/** It signs nothing, in the time that a call takes: what waits to be read meanwhile is read before the request leaves. */
function signerModel({ time, random }: World, actor: Actor): Signer {
  return {
    sign: ({ messageId }) =>
      new Promise((resolve) => {
        const headers = [{ name: "webhook-id", value: messageId, isSecret: false }];
        time.after(SIGNING_MS_MAX * random.next(), actor, () => resolve({ kind: "signed", headers }));
      }),
  };
}

/** The handler as it is, over an egress client that knows which item a request is of. */
function watchedSend(world: World, { actor }: Process): SendRequest {
  const { observed, receivers, trace } = world;
  // Of a place only its end is used.
  const place = { [Symbol.dispose]: () => {} } as NonNullable<Awaited<ReturnType<EgressClient["reserve"]>>>;
  const signer = signerModel(world, actor);
  return (request) => {
    const { item, possibleRepeat } = request;
    const post: EgressClient["post"] = async (posted) => {
      const key = `${actor.name} ${attemptKey(item.deliveryId, item.attempt)}`;
      const question = observed.questions.get(key);
      observed.questions.delete(key);
      const order = observed.next();
      observed.departed({ dispatcher: actor.name, item, order, isMarked: possibleRepeat, question });
      const id = `${item.deliveryId}:${item.attempt}:${item.release}`;
      trace.add(() => `${actor.name} sends ${id}${possibleRepeat ? ", marked" : ""}`);
      const result = await receivers.post(actor, item.webhookId, posted);
      const outcome = result.kind === "response" ? result.status : result.kind;
      trace.add(() => `${actor.name} hears of ${id}: ${outcome}`);
      return result;
    };
    const send = createSendRequest({
      signer,
      egress: { post, reserve: async () => place },
      parseTarget: (url) => parseTargetUrl(url, POLICY),
      userAgent: "Posthorn/simulation",
      tracing: NO_TRACING,
      dispatcher: actor.name,
      nowMs: () => Date.now(),
    });
    return send(request);
  };
}
