import { expect, test } from "vitest";
import { environmentOfLife } from "./environment-of-life.ts";

const lives = (env: Readonly<Record<string, string>>) => [0, 1, 2].map((life) => environmentOfLife(env, life));

test("each life has one of the crashes that were asked for, and those after the last have none", () => {
  expect(lives({ PATH: "/bin", POSTHORN_CRASH_POINT: "api.copied,api.written:3" })).toEqual([
    { PATH: "/bin", POSTHORN_CRASH_POINT: "api.copied" },
    { PATH: "/bin", POSTHORN_CRASH_POINT: "api.written:3" },
    { PATH: "/bin" },
  ]);
});

test("without any every life is the same", () => {
  expect(lives({ PATH: "/bin" })).toEqual([{ PATH: "/bin" }, { PATH: "/bin" }, { PATH: "/bin" }]);
});
