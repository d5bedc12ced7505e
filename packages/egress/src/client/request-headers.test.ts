import { expect, it } from "vitest";
import { requestHeaders } from "./request-headers.ts";

it("adds the headers of the client to those of the caller, in order", () => {
  const lines = requestHeaders(
    [
      ["Content-Type", "application/json"],
      ["X-A", "1"],
    ],
    "Posthorn/1",
  );
  expect(lines).toEqual([
    ...["user-agent", "Posthorn/1", "accept-encoding", "identity"],
    ...["Content-Type", "application/json", "X-A", "1"],
  ]);
});

it.each([
  "Host",
  "content-length",
  "Transfer-Encoding",
  "CONNECTION",
  "Upgrade",
  "TE",
  "Trailer",
  "Expect",
  "User-Agent",
])("refuses %s, which would steer the connection or the target", (name) =>
  expect(() => requestHeaders([[name, "x"]], "Posthorn/1")).toThrow(TypeError),
);
