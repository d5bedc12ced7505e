import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import type { Stack } from "../../../deploy/local/stack.ts";
import { watchFigures } from "./figures-watch.ts";

const NAME = "posthorn_repeats_total";

it("adds up a counter over the processes that had it one after the other", async () => {
  let text = "";
  await using server = createServer((_, response) => response.writeHead(200, { connection: "close" }).end(text)).listen(
    0,
    "127.0.0.1",
  );
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo; // it listens on a port
  const instance = { name: "dispatcher", service: "dispatcher", httpPort: port };
  const stack = { instances: [instance] } as unknown as Stack; // of which nothing else is looked at
  await using figures = watchFigures(stack, ["dispatcher"], [NAME]);
  for (const values of [`${NAME} 3`, `${NAME} 5`, `${NAME}{lane="a"} 1\n${NAME}{lane="b"} 1\n${NAME}_other 7`]) {
    text = `# HELP ${NAME} Repeats\n${values}\n`;
    await figures.look();
  }
  expect(figures.total(NAME)).toBe(7);
});
