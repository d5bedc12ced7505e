import { ALL_PARTITIONS, type OrgId } from "@posthorn/domain";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { PacedRelease } from "./handlers/pace-release.ts";
import { DUE_ROWS_MAX } from "./io/due-deliveries.ts";
import { NOW_MS, openSchedulerTest, orgOfPartition, type SchedulerTest } from "./scheduler.fixture.ts";

describe("the pace of due retries", () => {
  const stack = new AsyncDisposableStack();
  let test: SchedulerTest;

  beforeAll(async () => {
    test = await openSchedulerTest(stack);
  });
  afterAll(() => stack.disposeAsync());
  beforeEach(() => test.reset());

  it("releases a wave page by page, as the dispatchers take it, and nobody waits for a partition that has no room", async () => {
    const [crowded, quiet] = [orgOfPartition(2), orgOfPartition(5)];
    const asked: number[] = [];
    let untaken = 1_000;
    const release = new PacedRelease({
      ...test.ports,
      untakenRetries: async (partition) => {
        asked.push(partition);
        return partition === 2 ? untaken : 0;
      },
    });
    const left = async (orgId: OrgId) => {
      const text = "select count(*)::int as rows from retry_due where org_id = $1";
      return (await test.pool.query<{ rows: number }>(text, [orgId])).rows[0]?.rows;
    };
    await Promise.all(Array.from({ length: 2 * DUE_ROWS_MAX + 1 }, () => test.rows.due({ orgId: crowded })));
    expect(await release.run(ALL_PARTITIONS)).toBe(true);
    expect(asked).toEqual([]);
    await test.rows.due({ orgId: quiet });
    expect(await release.run(ALL_PARTITIONS)).toBe(true);
    expect([await left(crowded), await left(quiet)]).toEqual([DUE_ROWS_MAX + 1, 0]);
    untaken = 0;
    expect(await release.run(ALL_PARTITIONS)).toBe(true);
    expect(await release.run(ALL_PARTITIONS)).toBe(false);
    expect(await left(crowded)).toBe(0);
  });

  it("looks less often while nothing is due soon", async () => {
    const release = new PacedRelease({ ...test.ports, untakenRetries: async () => 0 });
    await release.run(ALL_PARTITIONS);
    const quietMs = release.lookAfterMs;
    await test.rows.due({ dueAtMs: NOW_MS + quietMs - 1 });
    await release.run(ALL_PARTITIONS);
    expect(release.lookAfterMs).toBeLessThan(quietMs);
    expect(await test.rows.count()).toBe(1);
  });
});
