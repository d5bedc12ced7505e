/** Which services the local stack runs and what each may know. A setting that is not listed is not handed on. */

import type { DatabaseService } from "@posthorn/database";

export const SERVICE_NAMES = ["signer", "projector", "dispatcher", "matcher", "scheduler", "api", "ingest"] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

export interface ServiceTraits {
  /** `npm start -- --matchers 2`. */
  readonly countFlag: string;
  readonly usesNats: boolean;
  /** Whose role it connects as; undefined for services without Postgres. */
  readonly databaseRole: DatabaseService | undefined;
  readonly servesGrpc: boolean;
  /** Gets the address of every instance of these. */
  readonly calls: readonly ServiceName[];
  readonly needsAdminKey: boolean;
  readonly needsMasterKey: boolean;
  /** Settings it shares with others; those that begin with its own name are always handed on. */
  readonly settings: readonly string[];
  /** The front takes no new requests before the services behind it are stopped. */
  readonly stopStage: "front" | "data-plane";
}

const EGRESS_SETTINGS = [
  "POSTHORN_ALLOWED_TARGETS",
  "POSTHORN_ALLOW_HTTP",
  "POSTHORN_DENIED_TARGETS",
  "POSTHORN_DNS_SERVERS",
  "POSTHORN_NAT64",
];

const dataPlane: ServiceTraits = {
  countFlag: "",
  usesNats: true,
  databaseRole: undefined,
  servesGrpc: false,
  calls: [],
  needsAdminKey: false,
  needsMasterKey: false,
  settings: [],
  stopStage: "data-plane",
};

export const SERVICES: Readonly<Record<ServiceName, ServiceTraits>> = {
  signer: { ...dataPlane, countFlag: "signers", usesNats: false, servesGrpc: true, needsMasterKey: true },
  projector: { ...dataPlane, countFlag: "projectors", databaseRole: "projector", servesGrpc: true },
  dispatcher: {
    ...dataPlane,
    countFlag: "dispatchers",
    servesGrpc: true,
    calls: ["signer", "projector"],
    settings: [...EGRESS_SETTINGS, "POSTHORN_EGRESS_PROXY"],
  },
  matcher: { ...dataPlane, countFlag: "matchers" },
  scheduler: {
    ...dataPlane,
    countFlag: "schedulers",
    databaseRole: "scheduler",
    settings: [
      "POSTHORN_AUDIT_RETENTION_DAYS",
      "POSTHORN_DISABLE_AFTER_S",
      "POSTHORN_RECONCILE_AFTER_S",
      "POSTHORN_RETENTION_DAYS",
    ],
  },
  api: {
    ...dataPlane,
    countFlag: "apis",
    databaseRole: "api",
    calls: ["signer", "dispatcher"],
    needsAdminKey: true,
    settings: EGRESS_SETTINGS,
    stopStage: "front",
  },
  ingest: { ...dataPlane, countFlag: "ingests", servesGrpc: true, needsAdminKey: true, stopStage: "front" },
};

/** The beginning of a service's own settings: "POSTHORN_API_". */
export function settingPrefix(service: ServiceName): string {
  return `POSTHORN_${service.toUpperCase()}_`;
}
