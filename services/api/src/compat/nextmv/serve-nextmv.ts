/** Nextmv's webhooks at `/compat/nextmv`. */

import type { HttpServer } from "@posthorn/service-runtime";
import { routeServer, type ServePorts } from "../../io/serve-routes.ts";
import {
  getConversation,
  listConversations,
  type NextmvConversationPorts,
  triggerNextmvWebhook,
} from "./conversation-handlers.ts";
import { sendNextmvRefusal } from "./refusals.ts";
import {
  NEXTMV_ROUTES,
  nextmvConversation,
  nextmvConversations,
  nextmvCreate,
  nextmvDelete,
  nextmvGet,
  nextmvList,
  nextmvReplace,
  nextmvSecret,
  nextmvTrigger,
} from "./routes.ts";
import {
  createNextmvWebhook,
  deleteNextmvWebhook,
  getNextmvSecret,
  getNextmvWebhook,
  listNextmvWebhooks,
  type NextmvWebhookPorts,
  replaceNextmvWebhook,
} from "./webhook-handlers.ts";

export type NextmvPorts = NextmvWebhookPorts & NextmvConversationPorts;

export function serveNextmv(app: HttpServer, serving: ServePorts, ports: NextmvPorts): void {
  const serve = routeServer(app, serving, { routes: NEXTMV_ROUTES, sendProblem: sendNextmvRefusal });
  serve(nextmvCreate, createNextmvWebhook(ports));
  serve(nextmvList, listNextmvWebhooks(ports));
  serve(nextmvGet, getNextmvWebhook(ports));
  serve(nextmvReplace, replaceNextmvWebhook(ports));
  serve(nextmvDelete, deleteNextmvWebhook(ports));
  serve(nextmvSecret, getNextmvSecret(ports));
  serve(nextmvTrigger, triggerNextmvWebhook(ports));
  serve(nextmvConversations, listConversations(ports));
  serve(nextmvConversation, getConversation(ports));
}
