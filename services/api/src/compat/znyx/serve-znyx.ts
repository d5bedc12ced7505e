/** Znyx's webhooks at `/compat/znyx`. */

import type { HttpServer } from "@posthorn/service-runtime";
import { routeServer, type ServePorts } from "../../io/serve-routes.ts";
import { sendZnyxRefusal } from "./refusals.ts";
import { ZNYX_ROUTES, znyxCreate, znyxDelete, znyxList, znyxRotate, znyxTest, znyxUpdate } from "./routes.ts";
import {
  createZnyxWebhook,
  deleteZnyxWebhook,
  listZnyxWebhooks,
  rotateZnyxSecret,
  testZnyxWebhook,
  updateZnyxWebhook,
  type ZnyxPorts,
} from "./webhook-handlers.ts";

export function serveZnyx(app: HttpServer, serving: ServePorts, ports: ZnyxPorts): void {
  const serve = routeServer(app, serving, { routes: ZNYX_ROUTES, sendProblem: sendZnyxRefusal });
  serve(znyxList, listZnyxWebhooks(ports));
  serve(znyxCreate, createZnyxWebhook(ports));
  serve(znyxUpdate, updateZnyxWebhook(ports));
  serve(znyxDelete, deleteZnyxWebhook(ports));
  serve(znyxTest, testZnyxWebhook(ports));
  serve(znyxRotate, rotateZnyxSecret(ports));
}
