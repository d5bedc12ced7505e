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
    ([, block]) => block ?? "",
  );
  expect(blocks).toHaveLength(8);
  // History follows the delivery by a moment.
  const script = blocks.map((block, index) => `sleep ${index === WATCH ? 3 : 0}\n${block}\necho "${MARK}"`).join("\n");
  const { stdout } = await promisify(execFile)("bash", ["-euc", script], {
    env: {
      PATH: process.env.PATH,
      API: stack.stack.apiUrl,
      INGEST: stack.stack.ingestUrl,
      KEY: stack.stack.adminKey,
      RECEIVER: receiver.url,
    },
  });
  const printed = stdout.split(MARK);
  // The event, the test, and the event once more.
  const [event, tested, again] = await receiver.waitFor(3);
  expect(jsonOf(event?.body.toString())).toMatchObject({
    type: "agent.status",
    data: { agent_id: "7", new_status: "up" },
  });
  expect(jsonOf(printed[WATCH])).toMatchObject({ items: [{ id: event?.header("webhook-id"), status: "delivered" }] });
  const [explained, sent] = (printed[ASK] ?? "").split("}{");
  expect(`${explained}}`).toContain('"no_pattern"');
  expect(jsonOf(`{${sent}`)).toMatchObject({ status: "delivered", test: true, attempts: [{ status_code: 200 }] });
  expect(tested?.header("webhook-id")).toBe(jsonOf(`{${sent}`).id);
  expect(jsonOf(printed[CHANGE])).toMatchObject({ filter: 'data.new_status == "down"', rate_limit: 50 });
  expect(printed[ROTATE]).toContain('"secret":"whsec_');
  expect(again?.header("webhook-id")).toBe(event?.header("webhook-id"));
  expect(again?.header("x-team")).toBe("platform");
  expect(again?.header("webhook-signature")?.split(" ")).toHaveLength(2);
});

const MARK = "END OF A BLOCK";
/** What the blocks show, by their places. */
const [WATCH, ASK, CHANGE, ROTATE] = [3, 5, 6, 7];

function jsonOf(text: string | undefined): Record<string, unknown> {
  return JSON.parse(text ?? "") as Record<string, unknown>;
}
