import { expect, it } from "vitest";
import { unmasked } from "./masked-url.ts";

const BEFORE = "https://a.example/hook?token=one&x";

it.each([
  ["as a list shows it is the URL itself", "https://a.example/hook?token=***&***", BEFORE],
  ["as it is stays", BEFORE, BEFORE],
  ["with another value is another one", "https://a.example/hook?token=two&x", "https://a.example/hook?token=two&x"],
  ["of another place is another one, masks and all", "https://b.example/?token=***", "https://b.example/?token=***"],
])("a URL %s", (_what, url, meant) => {
  expect(unmasked(url, BEFORE)).toBe(meant);
});
