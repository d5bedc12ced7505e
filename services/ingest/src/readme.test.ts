import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { REFUSALS } from "./core/refusals.ts";

describe("the README", () => {
  it("lists exactly the refusals of the catalogue, with their statuses", () => {
    const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
    const rows = readme.matchAll(/^\| `(\w+)` \| (\d{3}) \| `(\w+)` \|/gm);
    const listed = [...rows].map(([, code, httpStatus, grpcStatus]) => ({
      code,
      httpStatus: Number(httpStatus),
      grpcStatus,
    }));
    const catalogue = Object.entries(REFUSALS).map(([code, { httpStatus, grpcStatus }]) => ({
      code,
      httpStatus,
      grpcStatus,
    }));
    expect(listed).toEqual(catalogue);
  });
});
