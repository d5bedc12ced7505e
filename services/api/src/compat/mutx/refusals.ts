/** Refusals as MUTX tells them: a detail, or for what its framework and its limiter refuse an envelope with a code. */

import type { HttpReply } from "@posthorn/service-runtime";
import type { Problem } from "../../core/problems.ts";
import { refused } from "../../handlers/handler.ts";
import { pythonTime, sendRefusal, validationDetails } from "../mount.ts";

export const WEBHOOK_NOT_FOUND = refused({ status: 404, detail: "Webhook not found" });
export const DELIVERY_NOT_FOUND = refused({ status: 404, detail: "Delivery not found" });
export const DELIVERY_FAILED_WORDS = {
  test: "Failed to deliver test event",
  retry: "Failed to deliver retry",
} as const;

const VALIDATION_STATUS = 422;
const RATE_LIMIT_STATUS = 429;

export function sendMutxRefusal(reply: HttpReply, problem: Problem): HttpReply {
  const { status, detail, headers } = problem;
  const { request } = reply;
  const envelope = { status: "error", request_id: request.id, timestamp: pythonTime(Date.now()) };
  switch (status) {
    case VALIDATION_STATUS: {
      const details = validationDetails(request.method === "GET" ? "GET" : "POST", problem);
      return sendRefusal(reply, problem, { ...envelope, error_code: "VALIDATION_ERROR", message: detail, details });
    }
    case RATE_LIMIT_STATUS: {
      const retryAfter = Number(headers?.["retry-after"]);
      const told = { error_code: "RATE_LIMIT_EXCEEDED", message: detail, details: [], retry_after: retryAfter };
      return sendRefusal(reply, problem, { ...envelope, ...told });
    }
    default:
      return sendRefusal(reply, problem, { detail });
  }
}
