import { type ChildProcess, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { findFreePort } from "@posthorn/local-servers";
import { startReceiver, waitUntil } from "@posthorn/testkit";
import { Webhook as StandardWebhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";
import { createTenant, type Tenant } from "../tenant.ts";
import { type SeedReceivers, startSeedReceivers } from "./receivers/node-receivers.ts";

const PYTHON_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/** The example events of the four seed systems, as their documents print them. */
const EVENTS = {
  myop: {
    type: "components.deployed",
    timestamp: "2026-03-24T13:37:00.000Z",
    data: {
      releases: [
        {
          componentId: "2098cfba-5124-48ff-b87d-6cd71c14cf7a",
          variantId: "57a5c9ef-8775-4a19-a243-4cadb87a3e6f",
          environment: "production",
          environmentId: "d6c518e0-f80b-4cbe-9efd-b51aa37f2324",
        },
      ],
    },
  },
  nextmv: { type: "run.status", data: { run_id: "run-1", status: "succeeded" } },
  znyx: { type: "bundle.activated", data: { bundle: "b-1", version: 7, notes: "café, 日本" } },
  mutx: { type: "agent.status", data: { agent_id: "a-1", new_status: "running", old_status: "idle", load: 0.5 } },
} as const;

type Seed = keyof typeof EVENTS;
const SEEDS = Object.keys(EVENTS) as Seed[]; // the keys of the literal above

describe("receivers of the seed systems", () => {
  let stack: TestStack;
  let tenant: Tenant;
  let python: { readonly url: string; readonly process: ChildProcess };
  let node: SeedReceivers;
  const nodeSecrets = new Map<string, string>();

  beforeAll(async () => {
    stack = await startTestStack();
    tenant = await createTenant(stack, "seeds");
    python = await startPython();
    node = await startSeedReceivers(nodeSecrets);
  });
  afterAll(async () => {
    python.process.kill("SIGKILL");
    await node[Symbol.asyncDispose]();
    await stack[Symbol.asyncDispose]();
  });

  async function outcomeOf(webhookId: string) {
    const found = await waitUntil(async () => (await tenant.deliveriesOf(webhookId))[0], { timeoutMs: 10_000 });
    const delivery = await tenant.settled(found.id, ["delivered", "scheduled", "exhausted"]);
    return { status: delivery.status, response: delivery.attempts.at(-1)?.response };
  }

  it.each(SEEDS)("verify in Python what the %s profile sends", async (seed) => {
    const event = { ...EVENTS[seed], type: `${EVENTS[seed].type}.python` };
    const { id } = await tenant.subscribe({
      url: `${python.url}/${seed}`,
      events: [event.type],
      profile: seed,
      secret: PYTHON_SECRET,
    });
    await tenant.publish(event);
    expect(await outcomeOf(id)).toMatchObject({ status: "delivered", response: { status: 200 } });
  });

  it.each(["myop", "mutx"] as const)("verify in Node what the %s profile sends", async (seed) => {
    const event = { ...EVENTS[seed], type: `${EVENTS[seed].type}.node` };
    const { id, secret } = await tenant.subscribe({
      url: `${node.url}/${seed}`,
      events: [event.type],
      profile: seed,
    });
    nodeSecrets.set(`/${seed}`, secret);
    await tenant.publish(event);
    expect(await outcomeOf(id)).toMatchObject({ status: "delivered", response: { status: 200 } });
  });

  it("refuse what another secret signed: the receivers above do verify", async () => {
    const { id } = await tenant.subscribe({
      url: `${python.url}/nextmv`,
      events: ["wrong.secret"],
      profile: "nextmv",
      secret: "whsec_another-secret-altogether",
      retry_schedule_s: [],
    });
    await tenant.publish({ type: "wrong.secret", data: {} });
    expect(await outcomeOf(id)).toMatchObject({ status: "exhausted", response: { status: 401 } });
  });

  it.each([
    [-301, 401],
    [-290, 200],
    [+61, 401],
  ])("hold Nextmv's timestamp to its window: %i s from now is answered %i", async (offsetS, status) => {
    const timestamp = Math.floor(Date.now() / 1_000) + offsetS;
    const signature = createHmac("sha256", PYTHON_SECRET).update(`${timestamp}.{}`).digest("hex");
    const headers = { "Nextmv-Signature": `t=${timestamp},v1=${signature}` };
    const response = await fetch(`${python.url}/nextmv`, { method: "POST", headers, body: "{}" });
    expect(response.status).toBe(status);
  });

  it.each(["standard", ...SEEDS] as const)(
    "are verified by the Standard Webhooks library under %s",
    async (profile) => {
      const receiver = await startReceiver();
      try {
        const type = `standard.${profile}`;
        const webhook = await tenant.subscribe({ url: receiver.url, events: [type], profile });
        await tenant.publish({ type, data: { n: 1 } });
        const [request] = await receiver.waitFor(1, 10_000);
        const names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
        const headers = Object.fromEntries(names.map((name) => [name, request?.header(name) ?? ""]));
        const body = request?.body.toString() ?? "";
        expect(new StandardWebhook(webhook.secret).verify(body, headers)).toEqual(JSON.parse(body));
        expect(() => new StandardWebhook(webhook.secret).verify(`${body} `, headers)).toThrow();
      } finally {
        await receiver[Symbol.asyncDispose]();
      }
    },
  );

  async function startPython() {
    const port = await findFreePort();
    const script = new URL("receivers/seed-receivers.py", import.meta.url).pathname;
    const child = spawn("python3", [script, String(port), PYTHON_SECRET], { stdio: ["ignore", "inherit", "inherit"] });
    const url = `http://127.0.0.1:${port}`;
    await waitUntil(() => fetch(url, { method: "GET" }).then(() => true), {
      timeoutMs: 10_000,
      describe: "the Python receivers; python3 is needed for this test (apt-get install python3)",
    });
    return { url, process: child };
  }
});
