import { readSettings } from "@posthorn/service-runtime";
import { describe, expect, it } from "vitest";
import { settings } from "./config.ts";

const REQUIRED = { DATABASE_URL: "postgres://posthorn_scheduler:secret@db/posthorn" };

describe("the settings", () => {
  it("keep history for a month and the audit for a year", () => {
    expect(readSettings(REQUIRED, settings)).toMatchObject({ retentionDays: 30, auditRetentionDays: 365 });
  });

  it.each(["POSTHORN_RETENTION_DAYS", "POSTHORN_AUDIT_RETENTION_DAYS"])(
    "refuse %s that is no time to keep it",
    (name) => {
      for (const nonsense of ["7", "0", "-1", "3651", "30d", "8.5"]) {
        const sentence = `${name} is "${nonsense}"; it must be a whole number from 8 to 3650.`;
        expect(() => readSettings({ ...REQUIRED, [name]: nonsense }, settings)).toThrow(sentence);
      }
    },
  );
});
