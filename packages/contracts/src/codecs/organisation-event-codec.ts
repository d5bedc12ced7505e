/** Log events of what is no delivery: replays, webhooks taken out of service, circuits, changes of configuration. */

import {
  DELIVERY_STATUSES,
  type OrganisationEvent,
  type OrgId,
  parseDisableReason,
  parseReplayId,
  parseWebhookId,
  type ReplayProgress,
} from "@posthorn/domain";
import type * as wire from "../gen/posthorn/delivery/v1/delivery_event.ts";
import { required } from "./wire.ts";

type Happening = NonNullable<wire.DeliveryEvent["happening"]>;

const KINDS = [
  "replayStarted",
  "replayProgressed",
  "replayFinished",
  "webhookDisabled",
  "circuitOpened",
  "circuitClosed",
  "configurationChanged",
] as const;

type OrganisationHappening = Extract<Happening, { $case: (typeof KINDS)[number] }>;

export function isOfOrganisation<Any extends { readonly $case: string }>(
  happening: Any,
): happening is Extract<Any, OrganisationHappening> {
  return KINDS.some((kind) => kind === happening.$case);
}

export function organisationEventToWire(event: OrganisationEvent): OrganisationHappening {
  switch (event.kind) {
    case "replay.started": {
      const { replayId, webhookId, sinceMs, untilMs, statuses, types, by } = event;
      const value = { replayId, webhookId, sinceMs, untilMs, statuses: [...statuses], types: [...types], by };
      return { $case: "replayStarted", value };
    }
    case "replay.progressed":
      return { $case: "replayProgressed", value: { replayId: event.replayId, progress: { ...event.progress } } };
    case "replay.finished":
      return { $case: "replayFinished", value: { replayId: event.replayId, progress: { ...event.progress } } };
    case "webhook.disabled": {
      const { webhookId, reason, configVersion } = event;
      return { $case: "webhookDisabled", value: { webhookId, reason, configVersion } };
    }
    case "circuit.opened":
      return { $case: "circuitOpened", value: { webhookId: event.webhookId, generation: event.generation } };
    case "circuit.closed":
      return { $case: "circuitClosed", value: { webhookId: event.webhookId, generation: event.generation } };
    case "configuration.changed": {
      const { changeId, actor, action, subjectKind, subjectId, fields, requestId } = event;
      const value = { changeId, actor, action, subjectKind, subjectId, fields: [...fields], requestId };
      return { $case: "configurationChanged", value };
    }
    default:
      return event satisfies never;
  }
}

export function organisationEventFromWire(
  base: { readonly orgId: OrgId; readonly atMs: number },
  happening: OrganisationHappening,
): OrganisationEvent {
  switch (happening.$case) {
    case "replayStarted": {
      const { statuses, types, sinceMs, untilMs, by, webhookId } = happening.value;
      return {
        ...base,
        kind: "replay.started",
        replayId: replayId(happening.value),
        webhookId: required(parseWebhookId(webhookId), "webhook_id"),
        sinceMs,
        untilMs,
        statuses: statuses.map((text) =>
          required(
            DELIVERY_STATUSES.find((status) => status === text),
            "statuses",
          ),
        ),
        types,
        by,
      };
    }
    case "replayProgressed":
      return { ...base, kind: "replay.progressed", replayId: replayId(happening.value), ...progress(happening.value) };
    case "replayFinished":
      return { ...base, kind: "replay.finished", replayId: replayId(happening.value), ...progress(happening.value) };
    case "webhookDisabled":
      return {
        ...base,
        kind: "webhook.disabled",
        webhookId: required(parseWebhookId(happening.value.webhookId), "webhook_id"),
        reason: required(parseDisableReason(happening.value.reason), "reason"),
        configVersion: happening.value.configVersion,
      };
    case "circuitOpened":
      return { ...base, kind: "circuit.opened", ...circuit(happening.value) };
    case "circuitClosed":
      return { ...base, kind: "circuit.closed", ...circuit(happening.value) };
    case "configurationChanged":
      return { ...base, kind: "configuration.changed", ...happening.value };
    default:
      return happening satisfies never;
  }
}

function replayId(value: { readonly replayId: string }) {
  return required(parseReplayId(value.replayId), "replay_id");
}

function progress(value: wire.ReplayProgressed): { readonly progress: ReplayProgress } {
  return { progress: required(value.progress, "progress") };
}

function circuit({ webhookId, generation }: wire.CircuitOpened) {
  return { webhookId: required(parseWebhookId(webhookId), "webhook_id"), generation };
}
