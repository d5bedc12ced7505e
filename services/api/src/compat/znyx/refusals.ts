/** Refusals as Znyx tells them, which is how FastAPI does: a detail, and for what does not validate a list of them. */

import type { HttpReply } from "@posthorn/service-runtime";
import type { Problem } from "../../core/problems.ts";
import { refused } from "../../handlers/handler.ts";
import { sendRefusal, type UrlWords, validationDetails } from "../mount.ts";

export const WEBHOOK_NOT_FOUND = refused({ status: 404, detail: "Webhook not found" });

export const URL_WORDS: UrlWords = {
  unfit: (_host, message) => `Webhook URL ${message}`,
  "not-public": () => "Webhook URL resolves to a private, loopback or reserved address",
  unresolvable: (host) => `Webhook URL's hostname ${host} cannot be resolved`,
};

const VALIDATION_STATUS = 422;

export function sendZnyxRefusal(reply: HttpReply, problem: Problem): HttpReply {
  const { status, detail } = problem;
  if (status !== VALIDATION_STATUS) return sendRefusal(reply, problem, { detail });
  const method = reply.request.method === "GET" ? "GET" : "POST";
  return sendRefusal(reply, problem, { detail: validationDetails(method, problem) });
}
