/** Refusals of Nextmv's mount: one text, which names each field that is wrong. */

import type { HttpReply } from "@posthorn/service-runtime";
import { invalid, type Problem } from "../../core/problems.ts";
import { problemOf, type TestRefusal, type WebhookRefusal } from "../../core/webhook-refusal.ts";
import { type Refused, refused } from "../../handlers/handler.ts";
import { sendRefusal } from "../mount.ts";

export const CONVERSATION_NOT_FOUND = refused({ status: 404, detail: "There is no such conversation." });

export function idTaken(id: string): Refused {
  return refused({ status: 409, detail: `There is a webhook with the id ${id} already.` });
}

export const ID_DIFFERS = refused(invalid("/id", "must be the id in the path; the id of a webhook does not change"));

/** What only the URL can be wrong with is told of the field that Nextmv has it in. */
export function refusalOf(refusal: WebhookRefusal | TestRefusal): Refused {
  const isOfUrl = refusal.kind === "invalid" && refusal.path === "/url";
  return refused(problemOf(isOfUrl ? { ...refusal, path: "/endpoint_url" } : refusal));
}

export function sendNextmvRefusal(reply: HttpReply, problem: Problem): HttpReply {
  const { detail, errors = [] } = problem;
  const mistakes = errors.map(({ path, message }) => `${path.slice(1)} ${message}`.trim());
  return sendRefusal(reply, problem, { error: mistakes.length === 0 ? detail : mistakes.join("; ") });
}
