import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { startReceiver } from "@posthorn/testkit";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestStack, type TestStack } from "../../deploy/local/test-stack.ts";

const README = new URL("../../README.md", import.meta.url);

let stack: TestStack;
beforeAll(async () => {
  stack = await startTestStack();
});
afterAll(() => stack[Symbol.asyncDispose]());

it("shows commands that work when they are pasted in order", async () => {
  await using receiver = await startReceiver();
  const blocks = [...(await readFile(README, "utf8")).matchAll(/```sh readme-test\n(.*?)```/gs)].map(
    ([, block]) => block,
  );
  expect(blocks).toHaveLength(4);
  // The watch command comes last: history follows the delivery by a moment.
  const script = `${blocks.slice(0, -1).join("\n")}\nsleep 3\necho; echo HISTORY\n${blocks.at(-1)}`;
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], {
    env: {
      PATH: process.env.PATH,
      API: stack.stack.apiUrl,
      INGEST: stack.stack.ingestUrl,
      KEY: stack.stack.adminKey,
      RECEIVER: receiver.url,
    },
  });
  const [request] = await receiver.waitFor(1);
  expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({
    type: "agent.status",
    data: { agent_id: "7", new_status: "up" },
  });
  const history = JSON.parse(stdout.split("HISTORY\n")[1] ?? "");
  expect(history.items).toMatchObject([{ id: request?.header("webhook-id"), status: "delivered" }]);
});
