/** Serves the description of the API to everybody, without a key. */

import type { HttpServer } from "@posthorn/service-runtime";
import { OPENAPI_PATH, openApiText } from "../openapi/document.ts";

/** @param version Posthorn's. */
export function serveOpenApi(app: HttpServer, version: string): void {
  const text = openApiText(version);
  app.get(OPENAPI_PATH, async (_request, reply) => reply.type("application/json; charset=utf-8").send(text));
}
