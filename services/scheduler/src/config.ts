/** The scheduler's settings: the only reader of the environment. */

import { limits } from "@posthorn/domain";
import { integer, runtimeSettings, type Setting, type SettingsOf, urlList, urlText } from "@posthorn/service-runtime";

export const settings = {
  ...runtimeSettings("scheduler"),
  natsUrls: urlList("NATS_URL", { default: "nats://127.0.0.1:4222", protocols: ["nats", "tls"] }),
  natsReplicas: integer("POSTHORN_NATS_REPLICAS", { default: 1, min: 1, max: 5 }),
  databaseUrl: urlText("DATABASE_URL", { protocols: ["postgres", "postgresql"] }),
  /** A delivery without progress for this long is looked at. Longer than the streams remember ids (2 minutes). */
  reconcileAfterS: integer("POSTHORN_RECONCILE_AFTER_S", { default: 300, min: 130, max: 86_400 }),
  /** A webhook that has only failed for this long is taken out of service. */
  disableAfterS: integer("POSTHORN_DISABLE_AFTER_S", { default: 432_000, min: 1, max: 31_536_000 }),
  /** Events, deliveries, attempts and the archive are forgotten this long after their event was accepted. */
  retentionDays: days("POSTHORN_RETENTION_DAYS", limits.RETENTION_DAYS_DEFAULT),
  /** Lines of the audit. */
  auditRetentionDays: days("POSTHORN_AUDIT_RETENTION_DAYS", limits.AUDIT_RETENTION_DAYS_DEFAULT),
};

function days(name: string, byDefault: number): Setting<number> {
  return integer(name, { default: byDefault, min: limits.RETENTION_DAYS_MIN, max: limits.RETENTION_DAYS_MAX });
}

export type SchedulerConfig = SettingsOf<typeof settings>;
