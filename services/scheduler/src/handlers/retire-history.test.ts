import { describe, expect, it } from "vitest";
import type { DroppedDay, HistoryPart, RetiredPage } from "../io/old-history.ts";
import { FIRST_EVENT_ID } from "../io/old-history.ts";
import { type RetentionPorts, retireHistory } from "./retire-history.ts";

const NOW_MS = 1_750_000_000_000;
const DAY_MS = 86_400_000;
const NOTHING: RetiredPage = { retired: 0, reached: undefined };
const FULL: RetiredPage = { retired: 1_000, reached: "id" };

type Script = {
  readonly pages?: readonly (RetiredPage | undefined)[];
  readonly days?: readonly DroppedDay[];
  readonly pagesMax?: number;
};

/** Answers with the script's pages and days, then with nothing. */
function scripted({ pages = [], days = [], pagesMax = 100 }: Script) {
  const asked: [HistoryPart, number, string][] = [];
  const told: unknown[] = [];
  let [page, day] = [0, 0];
  const ports: RetentionPorts = {
    history: {
      retire: async (part, beforeMs, behind) => {
        asked.push([part, beforeMs, behind]);
        page += 1;
        return page > pages.length ? NOTHING : pages[page - 1];
      },
      dropOldestDay: async () => {
        day += 1;
        return days[day - 1] ?? { kind: "nothing" };
      },
    },
    events: {
      retired: (part, rows) => rows > 0 && told.push([part, rows]),
      archiveDayDropped: (dropped) => told.push(dropped),
      retentionHeldUp: (reason) => told.push(reason),
    },
    retentionMs: 30 * DAY_MS,
    auditRetentionMs: 365 * DAY_MS,
    nowMs: () => NOW_MS,
    mayGoOn: () => page < pagesMax,
  };
  return { ports, asked, told };
}

describe("a pass of retention", () => {
  it("asks for events after their deliveries, and for the audit by an age of its own", async () => {
    const { ports, asked } = scripted({});
    await retireHistory(ports);
    expect(asked).toEqual([
      ["deliveries", NOW_MS - 30 * DAY_MS, FIRST_EVENT_ID],
      ["events", NOW_MS - 30 * DAY_MS, FIRST_EVENT_ID],
      ["records", NOW_MS - 30 * DAY_MS, FIRST_EVENT_ID],
      ["audit", NOW_MS - 365 * DAY_MS, FIRST_EVENT_ID],
    ]);
  });

  it("goes on behind a full page, and drops days of the archive once no row is left", async () => {
    const { ports, asked, told } = scripted({
      pages: [FULL, { retired: 7, reached: "later" }],
      days: [{ kind: "dropped", day: "2025-05-01" }],
    });
    await retireHistory(ports);
    expect(asked.slice(0, 3).map(([part, , behind]) => [part, behind])).toEqual([
      ["deliveries", FIRST_EVENT_ID],
      ["deliveries", "id"],
      ["events", FIRST_EVENT_ID],
    ]);
    expect(told).toEqual([["deliveries", 1_000], ["deliveries", 7], "2025-05-01"]);
  });

  it("ends when a rebuild runs, and says so", async () => {
    const { ports, asked, told } = scripted({
      pages: [FULL, undefined],
      days: [{ kind: "dropped", day: "2025-05-01" }],
    });
    await retireHistory(ports);
    expect(asked).toHaveLength(2);
    expect(told).toEqual([["deliveries", 1_000], "a rebuild is running"]);
  });

  it("leaves a day that somebody reads for later, and says so", async () => {
    const { ports, told } = scripted({ days: [{ kind: "busy" }, { kind: "dropped", day: "2025-05-01" }] });
    await retireHistory(ports);
    expect(told).toEqual(["somebody reads the oldest day of the archive"]);
  });

  it("stops between two pages when it may not go on", async () => {
    const { ports, asked, told } = scripted({ pages: [FULL, FULL, FULL], pagesMax: 2 });
    await retireHistory(ports);
    expect(asked).toHaveLength(2);
    expect(told).toHaveLength(2);
  });
});
