/** Vitest set-up file: ends each test file with the check for what it left open. */

import { afterAll, afterEach } from "vitest";
import { closeTestFile } from "./leak-guard.ts";

let hasFailure = false;

afterEach(({ task }) => {
  if (task.result?.state === "fail") hasFailure = true;
});

// Hooks run in reverse order, so this one, registered first, comes after those of the test file.
afterAll(() => closeTestFile(hasFailure));
