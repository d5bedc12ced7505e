/**
 * Publishes what follows from a part of a batch: for every step first its message of the log, and when that is stored
 * its work items; at the end the messages are acknowledged. Whatever dies in between comes again with the same ids.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { encodedLogEventBytes, encodeLogEvents, encodeWorkBundle } from "@posthorn/contracts";
import { type WorkItem, workBundleIdOf, workIdOf } from "@posthorn/domain";
import { type PublishRequest, subjectOf } from "@posthorn/message-bus";
import { crashPoint } from "@posthorn/service-runtime";
import { type BundleBounds, bundleItems } from "../core/bundle-items.ts";
import type { Lane } from "../core/lane-choice.ts";
import { planBatch, type Step, type StepBounds } from "../core/plan-batch.ts";
import type { MatcherEvents } from "../events.ts";
import type { LeasedPublisher } from "../io/leased-publisher.ts";
import { isOurs } from "../io/leases.ts";
import type { Lanes } from "./choose-lanes.ts";
import type { MatchedPart } from "./match-batch.ts";
import type { Part } from "./take-batch.ts";

export type PublishPorts = {
  readonly publisher: LeasedPublisher;
  readonly lanes: Pick<Lanes, "choose">;
  readonly events: Pick<MatcherEvents, "stepLogged" | "leaseLost" | "backlogged">;
  readonly bounds: StepBounds & BundleBounds;
  readonly newMessageId: () => string;
};

/** A backlog of larger payloads would fill the stream, for everybody; a dispatcher reads them where they are stored. */
const BACKLOG_INLINE_BYTES_MAX = 4 * 1024;

export async function publishPart(ports: PublishPorts, { part, matches, terms, spans }: MatchedPart): Promise<void> {
  const steps = planBatch(matches, terms, ports.bounds, encodedLogEventBytes);
  const isStored = await publishSteps(ports, part, steps);
  crashPoint("matcher.published");
  if (isStored) for (const message of part.messages) message.ack();
  else ports.events.leaseLost(part.messages.length);
  for (const span of spans) {
    if (!isStored) span.fail("lease_lost");
    span.end();
  }
}

/** While the items of one step wait for their acknowledgements, the next one writes its log. */
async function publishSteps(ports: PublishPorts, part: Part, steps: Iterable<Step>): Promise<boolean> {
  let areItemsStored = Promise.resolve(true);
  for (const step of steps) {
    if (step.log.length === 0) {
      await nextTurn();
      continue;
    }
    const isLogged = await publishLog(ports, part, step);
    crashPoint("matcher.logged");
    if (!(await areItemsStored) || !isLogged) return false;
    ports.events.stepLogged(step);
    areItemsStored = publishItems(ports, part, step.items);
  }
  return areItemsStored;
}

function publishLog(ports: PublishPorts, part: Part, step: Step): Promise<boolean> {
  const subject = subjectOf("LOG", part.partition);
  // A fresh id, frozen with these bytes: another message with the same lines is not a repeat of this one.
  return publishAll(ports, part, [{ subject, payload: encodeLogEvents(step.log), id: ports.newMessageId() }]);
}

/** What a bundle holds, and with it its id, does not depend on its lane: the stream knows it again in either. */
function publishItems(ports: PublishPorts, part: Part, items: readonly WorkItem[]): Promise<boolean> {
  const bundles = bundleItems(items, ports.bounds);
  const lanes = ports.lanes.choose(part.partition, bundles);
  const requests = bundles.map((bundle, index) => {
    if (lanes[index] !== "backlog") return requestFor(part.partition, "main", bundle);
    ports.events.backlogged(bundle.length);
    return requestFor(part.partition, "backlog", bundle.map(withoutLargePayload));
  });
  return publishAll(ports, part, requests);
}

function withoutLargePayload(item: WorkItem): WorkItem {
  return (item.event?.data.length ?? 0) > BACKLOG_INLINE_BYTES_MAX ? { ...item, event: undefined } : item;
}

function requestFor(partition: number, lane: Lane, bundle: readonly WorkItem[]): PublishRequest {
  return {
    subject: subjectOf("DELIVER", partition, lane),
    payload: encodeWorkBundle(bundle),
    payloadOfRepeat: () => encodeWorkBundle(bundle.map((item) => ({ ...item, possibleRepeat: true }))),
    id: workBundleIdOf(bundle.map(({ deliveryId, attempt, release }) => workIdOf(deliveryId, attempt, release))),
  };
}

/** True when all of it is stored. Nothing is begun for messages that may be somebody else's by now. */
async function publishAll(ports: PublishPorts, part: Part, requests: readonly PublishRequest[]): Promise<boolean> {
  const isHeld = () => part.messages.every(isOurs);
  if (!isHeld()) return false;
  const publish = async (request: PublishRequest) => {
    const isStored = await ports.publisher.publish(request, isHeld);
    crashPoint("matcher.stored");
    return isStored;
  };
  const stored = await Promise.all(requests.map(publish));
  return stored.every((isStored) => isStored);
}
