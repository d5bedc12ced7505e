/** Serves DispatchService: a caller that cancels, or whose deadline has passed, is not waited for. */

import { DispatchServiceService, type SendTestRequest, type SendTestResponse } from "@posthorn/contracts";
import { type GrpcServer, type Shell, startGrpcServer, unaryHandler } from "@posthorn/service-runtime";
import type { DispatcherConfig } from "./config.ts";
import type { SendTest } from "./handlers/send-test.ts";

export function serveTests(
  { host, grpcPort }: Pick<DispatcherConfig, "host" | "grpcPort">,
  { health, log }: Pick<Shell, "health" | "log">,
  sendTest: SendTest,
): Promise<GrpcServer> {
  const answer = unaryHandler<SendTestRequest, SendTestResponse>(log, (request, call) => {
    const gaveUp = new AbortController();
    call.once("cancelled", () => gaveUp.abort());
    return sendTest(request, gaveUp.signal);
  });
  const services = [{ definition: DispatchServiceService, implementation: { sendTest: answer } }];
  return startGrpcServer({ host, port: grpcPort, services, health, log });
}
