/**
 * Bugs put in by hand, each by wrapping one port of a service: the simulation has to find them. Nothing of this is known
 * to the sources.
 */

import { decodeWork } from "@posthorn/contracts";
import { type DeliveryId, workIdOf } from "@posthorn/domain";
import type { Publisher, PublishRequest, TakenMessage } from "@posthorn/message-bus";
import type { DispatchItem } from "../../services/dispatcher/src/handlers/dispatch-item.ts";
import type { Fence } from "../../services/dispatcher/src/io/fence.ts";
import type { OutcomeLog } from "../../services/dispatcher/src/io/outcome-log.ts";
import type { MatchPorts } from "../../services/matcher/src/handlers/match-batch.ts";

type Configuration = MatchPorts["configuration"] & { readonly isComplete: boolean };

export type Mutation = {
  readonly fence: (fence: Fence) => Fence;
  readonly dispatch: (build: (log: OutcomeLog) => DispatchItem, log: OutcomeLog) => DispatchItem;
  readonly matcherConfiguration: (configuration: Configuration) => Configuration;
  readonly schedulerPublisher: (publisher: Publisher) => Publisher;
};

export const NO_MUTATION: Mutation = {
  fence: (fence) => fence,
  dispatch: (build, log) => build(log),
  matcherConfiguration: (configuration) => configuration,
  schedulerPublisher: (publisher) => publisher,
};

/** What may be a repeat is sent without a look. */
const SKIP_FENCE: Mutation = { ...NO_MUTATION, fence: () => ({ lookUp: async () => "open" }) };

/** A work item is given up before what came of it stands in the log. */
const ACK_BEFORE_LOG: Mutation = {
  ...NO_MUTATION,
  dispatch: (build, log) => {
    const inHand = new Map<DeliveryId, TakenMessage>();
    const eager: OutcomeLog = {
      append: (partition, events, isUrgent) => {
        for (const event of events) if ("deliveryId" in event) inHand.get(event.deliveryId)?.ack();
        return log.append(partition, events, isUrgent);
      },
    };
    const dispatch = build(eager);
    return {
      run: (taken, pass) => {
        inHand.set(taken.item.deliveryId, taken.message);
        return dispatch.run(taken, pass);
      },
      park: (taken, reason) => {
        inHand.set(taken.item.deliveryId, taken.message);
        return dispatch.park(taken, reason);
      },
    };
  },
};

/** The matcher matches by what it knows, without waiting for what was configured before. */
const FORGET_BARRIER: Mutation = {
  ...NO_MUTATION,
  matcherConfiguration: (configuration) => ({
    barrier: async () => configuration.appliedRevision,
    get appliedRevision() {
      return configuration.appliedRevision;
    },
    get isComplete() {
      return configuration.isComplete;
    },
  }),
};

/** A release bears the id of the one before it. */
const OLD_WORK_ID: Mutation = {
  ...NO_MUTATION,
  schedulerPublisher: (publisher) =>
    wrapped(publisher, (request) => {
      const work = request.subject.startsWith("retry.") ? decodeWork(request.payload) : undefined;
      const item = work?.kind === "decoded" ? work.value[0] : undefined;
      if (item?.kind !== "decoded") return request;
      const { deliveryId, attempt, release } = item.value;
      return { ...request, id: workIdOf(deliveryId, attempt, Math.max(0, release - 1)) };
    }),
};

/** The scheduler asks a publisher for nothing else. */
function wrapped(publisher: Publisher, change: (request: PublishRequest) => PublishRequest): Publisher {
  const publish: Publisher["publish"] = (request, deadlineMs) => publisher.publish(change(request), deadlineMs);
  return Object.assign(Object.create(publisher), { publish });
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  "skip-fence": SKIP_FENCE,
  "ack-before-log": ACK_BEFORE_LOG,
  "forget-barrier": FORGET_BARRIER,
  "old-work-id": OLD_WORK_ID,
};
