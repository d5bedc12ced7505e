import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { SigningServiceClient } from "@posthorn/contracts";
import { createGrpcClient } from "@posthorn/service-runtime";
import { afterEach, describe, expect, it } from "vitest";
import { MASTER_KEY, revealed, sealed, signBatches, signItem, WEBHOOK_ID } from "./signer.fixture.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const CANARY = "whsec_Q2FuYXJ5Q2FuYXJ5Q2FuYXJ5";

const processes: ChildProcess[] = [];
afterEach(() => {
  for (const child of processes.splice(0)) child.kill("SIGKILL");
});

describe("the signer's process", () => {
  it("prints, exposes and answers nothing of a secret, a body or the master key, whatever goes wrong", async () => {
    const signer = startProcess({ POSTHORN_MASTER_KEY: MASTER_KEY, POSTHORN_LOG_LEVEL: "trace" });
    const { grpc_port: grpcPort, http_port: httpPort } = await signer.ready();
    const client = createGrpcClient(SigningServiceClient, `127.0.0.1:${grpcPort}`);
    const answers: unknown[] = [];

    const secret = await sealed(client, CANARY);
    const body = Buffer.from(`{"canary":"${CANARY}"}`);
    const items = [
      signItem(secret, { body }),
      signItem(secret, { body, profile: CANARY }),
      signItem(secret, { body, orgId: CANARY }),
      signItem(secret, { body, webhookId: "01890a5d-ac96-774b-bcce-b302099a8057" }),
      signItem(Buffer.from(CANARY), { body }),
      signItem(secret, { body, sealedToken: await sealed(client, CANARY) }),
      signItem(secret, { body, sealedHeaders: await sealed(client, CANARY, WEBHOOK_ID, "token") }),
      signItem(secret, { body, legacyIndex: 7 }),
    ];
    const [answer] = await signBatches(client, [{ batchId: 1, items }]);
    answers.push(answer?.results.slice(1));
    expect(answer?.results.map(({ refusal }) => refusal)).toEqual([
      "",
      "unknown_profile",
      "unsealable",
      "unsealable",
      "unsealable",
      "unsealable",
      "unsealable",
      "malformed",
    ]);
    const tooMany = signBatches(client, [{ batchId: 2, items: new Array(257).fill(items[0]) }]);
    answers.push(String(await tooMany.catch((error: unknown) => error)));
    for (const wrong of [CANARY.repeat(20), "whsk_short-canary"]) {
      answers.push(String(await sealed(client, wrong).catch((error: unknown) => error)));
    }
    for (const wrong of [CANARY.repeat(80), `{"${CANARY}":`]) {
      answers.push(String(await sealed(client, wrong, WEBHOOK_ID, "headers").catch((error: unknown) => error)));
    }
    answers.push(String(await sealed(client, CANARY, WEBHOOK_ID, CANARY).catch((error: unknown) => error)));
    // Shown to its owner on this call, and nowhere else.
    expect(await revealed(client, secret)).toBe(CANARY);
    answers.push(String(await revealed(client, Buffer.from(CANARY)).catch((error: unknown) => error)));
    answers.push(String(await sealed(client, CANARY, CANARY).catch((error: unknown) => error)));
    const metrics = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
    client.close();
    expect(await signer.stopped()).toBe(0);

    const everything = [signer.output(), metrics, JSON.stringify(answers)].join("\n");
    expect(everything).toContain("items were not signed");
    expect(everything).toContain("posthorn_signer_signatures_total 1");
    for (const hidden of [CANARY, "short-canary", MASTER_KEY]) {
      for (const form of spellings(hidden)) expect(everything).not.toContain(form);
    }
  });

  it.each([
    ["is not set", {}],
    ["is *** (4 characters, not shown)", { POSTHORN_MASTER_KEY: "AAAA" }],
  ])("refuses a master key that %s, in one sentence", async (what, env) => {
    const signer = startProcess(env);
    expect(await signer.exited()).toBe(2);
    expect(signer.output()).toBe(`signer: POSTHORN_MASTER_KEY ${what}; it must be 32 bytes in base64.\n`);
  });
});

/** As it is, and as it would look in a dump of bytes. */
function spellings(text: string): string[] {
  const bytes = Buffer.from(text);
  const decoded = Buffer.from(text.replace("whsec_", ""), "base64");
  return [text, bytes.toString("base64").slice(0, -4), bytes.toString("hex"), decoded.toString("hex"), `${[...bytes]}`];
}

function startProcess(env: Record<string, string>) {
  const child = spawn(process.execPath, [MAIN], { env, stdio: ["ignore", "pipe", "pipe"] });
  processes.push(child);
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      output += text;
    });
  }
  const exited = once(child, "close").then(([code]) => code as number | null);
  return {
    output: () => output,
    exited: () => exited,
    stopped: () => {
      child.kill("SIGTERM");
      return exited;
    },
    /** The fields that the lines of a successful start have. */
    ready: async (): Promise<Record<string, unknown>> => {
      while (!output.includes('"msg":"ready"')) {
        if (child.exitCode !== null) throw new Error(`the signer ended: ${output}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const lines = output.trim().split("\n");
      return Object.assign({}, ...lines.map((line) => JSON.parse(line)));
    },
  };
}
