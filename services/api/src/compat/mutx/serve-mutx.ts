/** MUTX's webhooks at `/compat/mutx`: every route with and without a slash at its end, as its two clients call them. */

import type { HttpServer } from "@posthorn/service-runtime";
import { done, type Handler } from "../../handlers/handler.ts";
import { routeServer, type ServePorts } from "../../io/serve-routes.ts";
import type { Route } from "../../schemas/route.ts";
import {
  type ListMutxDeliveriesPorts,
  listMutxDeliveries,
  type RetryMutxDeliveryPorts,
  retryMutxDelivery,
} from "./delivery-handlers.ts";
import { sendMutxRefusal } from "./refusals.ts";
import {
  MUTX_ROUTES,
  mutxCreate,
  mutxDelete,
  mutxDeliveries,
  mutxGet,
  mutxList,
  mutxRetry,
  mutxTest,
  mutxUpdate,
  mutxVerifyDocs,
} from "./routes.ts";
import { VERIFY_DOCS } from "./verify-docs.ts";
import {
  createMutxWebhook,
  deleteMutxWebhook,
  getMutxWebhook,
  listMutxWebhooks,
  type MutxWebhookPorts,
  testMutxWebhook,
  updateMutxWebhook,
} from "./webhook-handlers.ts";

export type MutxPorts = MutxWebhookPorts & ListMutxDeliveriesPorts & RetryMutxDeliveryPorts;

export function serveMutx(app: HttpServer, serving: ServePorts, ports: MutxPorts): void {
  const twins = new Map<Route, Route>(MUTX_ROUTES.map((route) => [route, withOtherEnd(route)]));
  const routes = [...twins.keys(), ...twins.values()];
  const serveOne = routeServer(app, serving, { routes, sendProblem: sendMutxRefusal });
  const serve = <R extends Route>(route: R, handler: Handler<R>) => {
    serveOne(route, handler);
    // The same route but for its path's last character.
    serveOne((twins.get(route) ?? route) as R, handler);
  };
  serve(mutxCreate, createMutxWebhook(ports));
  serve(mutxList, listMutxWebhooks(ports));
  serve(mutxVerifyDocs, async () => done(VERIFY_DOCS));
  serve(mutxGet, getMutxWebhook(ports));
  serve(mutxUpdate, updateMutxWebhook(ports));
  serve(mutxDelete, deleteMutxWebhook(ports));
  serve(mutxTest, testMutxWebhook(ports));
  serve(mutxDeliveries, listMutxDeliveries(ports));
  serve(mutxRetry, retryMutxDelivery(ports));
}

function withOtherEnd(route: Route): Route {
  const { path } = route;
  return { ...route, path: path.endsWith("/") ? path.slice(0, -1) : `${path}/` };
}
