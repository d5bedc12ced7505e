/**
 * Publishes what follows from a part of a batch: for every step first its message of the log, and when that is stored
 * its work items; at the end the messages are acknowledged. Whatever dies in between comes again with the same ids.
 */

import { setImmediate as nextTurn } from "node:timers/promises";
import { encodedLogEventBytes, encodeLogEvents, encodeWorkItem } from "@posthorn/contracts";
import { type WorkItem, workIdOf } from "@posthorn/domain";
import { type PublishRequest, subjectOf } from "@posthorn/message-bus";
import { planBatch, type Step, type StepBounds } from "../core/plan-batch.ts";
import type { MatcherEvents } from "../events.ts";
import type { LeasedPublisher } from "../io/leased-publisher.ts";
import { isOurs } from "../io/leases.ts";
import type { MatchedPart } from "./match-batch.ts";
import type { Part } from "./take-batch.ts";

export type PublishPorts = {
  readonly publisher: LeasedPublisher;
  readonly events: Pick<MatcherEvents, "stepLogged" | "leaseLost">;
  readonly bounds: StepBounds;
  readonly newMessageId: () => string;
};

export async function publishPart(ports: PublishPorts, { part, matches, terms, spans }: MatchedPart): Promise<void> {
  const steps = planBatch(matches, terms, ports.bounds, encodedLogEventBytes);
  const isStored = await publishSteps(ports, part, steps);
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

function publishItems(ports: PublishPorts, part: Part, items: readonly WorkItem[]): Promise<boolean> {
  const subject = subjectOf("DELIVER", part.partition);
  const requests = items.map((item) => ({
    subject,
    payload: encodeWorkItem(item),
    payloadOfRepeat: () => encodeWorkItem({ ...item, possibleRepeat: true }),
    id: workIdOf(item.deliveryId, item.attempt, item.release),
  }));
  return publishAll(ports, part, requests);
}

/** True when all of it is stored. Nothing is begun for messages that may be somebody else's by now. */
async function publishAll(ports: PublishPorts, part: Part, requests: readonly PublishRequest[]): Promise<boolean> {
  const isHeld = () => part.messages.every(isOurs);
  if (!isHeld()) return false;
  const stored = await Promise.all(requests.map((request) => ports.publisher.publish(request, isHeld)));
  return stored.every((isStored) => isStored);
}
