import { type OrgId, parseOrgId } from "@posthorn/domain";
import { describe, expect, it } from "vitest";
import type { Caller } from "../core/access.ts";
import { createAuthorise } from "./authorise.ts";

const ORG = parseOrgId("0199aaaa-0000-7000-8000-000000000001");
if (ORG === undefined) throw new Error("not an id");
const ROOT: Caller = { kind: "root" };

describe("createAuthorise", () => {
  it("asks for the newest configuration before it turns anybody away", async () => {
    const directory = directoryThat({ learns: ORG });
    expect(await directory.authorise(ROOT, ORG)).toEqual({ kind: "granted", org: ORG });
    expect(directory.asked()).toBe(1);
    await directory.authorise(ROOT, ORG);
    expect(directory.asked()).toBe(1);
  });

  it("asks only once, and then says no", async () => {
    const directory = directoryThat({});
    expect(await directory.authorise(ROOT, ORG)).toMatchObject({ refusal: { code: "unknown_organisation" } });
    expect(directory.asked()).toBe(1);
    expect(directory.refused).toEqual(["unknown_organisation"]);
  });

  it("does not ask when no configuration could change the answer", async () => {
    const directory = directoryThat({});
    expect(await directory.authorise(undefined, ORG)).toMatchObject({ refusal: { code: "unauthenticated" } });
    expect(directory.asked()).toBe(0);
  });

  it.each([{ isReachable: false }, { isComplete: false, knows: ORG }])(
    "neither lets in nor turns away without the configuration: %o",
    async (state) => {
      const { authorise } = directoryThat(state);
      expect(await authorise(ROOT, ORG)).toMatchObject({ refusal: { code: "configuration_incomplete" } });
    },
  );
});

/** A directory in a given state, and what was asked of it. */
function directoryThat(state: { learns?: OrgId; knows?: OrgId; isReachable?: boolean; isComplete?: boolean }) {
  const refused: string[] = [];
  let known = state.knows;
  let asked = 0;
  const authorise = createAuthorise(
    {
      known: { keyByHash: () => undefined, hasOrganisation: (org) => org === known },
      isComplete: state.isComplete ?? true,
      catchUp: async () => {
        asked += 1;
        known = state.learns;
        return state.isReachable ?? true;
      },
    },
    { refused: (code) => refused.push(code) },
  );
  return { authorise, refused, asked: () => asked };
}
