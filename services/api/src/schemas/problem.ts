/** Refusals as RFC 9457 has them. */

import { z } from "zod";

export const problem = z
  .strictObject({
    type: z.string().describe("A stable name of this kind of refusal; `about:blank` when the status says it all"),
    title: z.string().describe("The kind of refusal in words"),
    status: z.int(),
    detail: z.string().describe("What is wrong, where, and what is allowed"),
    instance: z.string().describe("This refusal, as `urn:posthorn:request:` and the request's id"),
    errors: z
      .array(
        z.strictObject({
          path: z.string().describe("A JSON pointer into the body, or the name of a parameter after a slash"),
          message: z.string(),
        }),
      )
      .optional()
      .describe("Each thing that is wrong with the input"),
  })
  .meta({ id: "Problem" });
