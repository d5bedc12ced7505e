import { expect, it } from "vitest";
import { table } from "./table.ts";

it("lays texts out in columns as wide as what they hold, without blanks at the end of a line", () => {
  const columns = [
    { title: "name", align: "left" },
    { title: "per second", align: "right" },
    { title: "remark", align: "left" },
  ] as const;
  const rows = [["sustained-10", "4,920", ""], ["idle", "", "none"], ["short row"]];
  expect(table(columns, rows)).toEqual([
    "name          per second  remark",
    "------------  ----------  ------",
    "sustained-10       4,920",
    "idle                      none",
    "short row",
  ]);
});

it("shows titles when there are no rows", () => {
  expect(table([{ title: "name", align: "left" }], [])).toEqual(["name", "----"]);
});
