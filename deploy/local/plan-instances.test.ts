import { expect, test } from "vitest";
import { planInstances, targetOf } from "./plan-instances.ts";
import { ONE_OF_EACH } from "./start-arguments.ts";

function portsFrom(first: number): () => Promise<number> {
  let next = first;
  return async () => next++;
}

const pinned = { api: 8080, ingest: 8081, ingestGrpc: 9091 };

test("the first api and ingest get the pinned ports, their further instances others", async () => {
  const plans = await planInstances({ ...ONE_OF_EACH, api: 2, ingest: 2 }, pinned, portsFrom(20_000));
  const byName = Object.fromEntries(plans.map((plan) => [plan.name, plan]));
  expect(byName.api).toMatchObject({ httpPort: 8080, grpcPort: undefined });
  expect(byName["api-2"]?.httpPort).toBeGreaterThanOrEqual(20_000);
  expect(byName.ingest).toMatchObject({ httpPort: 8081, grpcPort: 9091 });
  expect(byName["ingest-2"]?.grpcPort).toBeGreaterThanOrEqual(20_000);
});

test("no two servers share a port", async () => {
  const plans = await planInstances({ ...ONE_OF_EACH, dispatcher: 3, signer: 2 }, pinned, portsFrom(20_000));
  const ports = plans.flatMap((plan) => [plan.httpPort, plan.grpcPort ?? []].flat());
  expect(new Set(ports).size).toBe(ports.length);
});

test("a target lists the gRPC addresses of all instances", async () => {
  const plans = await planInstances({ ...ONE_OF_EACH, signer: 2 }, pinned, portsFrom(20_000));
  expect(targetOf("signer", plans)).toBe("ipv4:127.0.0.1:20001,127.0.0.1:20003");
});
