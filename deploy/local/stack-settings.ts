/** What the environment says about a local stack, checked before anything is started. */

import { isAbsolute, join } from "node:path";
import type { Environment } from "@posthorn/local-servers";

const PORT_MAX = 65_535;

export interface PinnedPorts {
  readonly api: number;
  readonly ingest: number;
  readonly ingestGrpc: number;
}

export interface StackSettings {
  /** Absolute. */
  readonly dataDir: string;
  /** 0 stands for any free port. */
  readonly ports: PinnedPorts;
}

export type StackSettingsResult =
  | { readonly kind: "settings"; readonly settings: StackSettings }
  | { readonly kind: "refused"; readonly message: string };

/** Settings that a developer's machine needs and production must not have; the environment overrides them. */
export const LOCAL_DEFAULTS = {
  POSTHORN_ALLOWED_TARGETS: "127.0.0.0/8,::1/128",
  POSTHORN_ALLOW_HTTP: "true",
} as const;

const PORT_SETTINGS = {
  api: { variable: "POSTHORN_API_PORT", fallback: 8080 },
  ingest: { variable: "POSTHORN_INGEST_PORT", fallback: 8081 },
  ingestGrpc: { variable: "POSTHORN_INGEST_GRPC_PORT", fallback: 9091 },
} as const;

/** A relative data folder is one in the project. */
export function readStackSettings(env: Environment, projectRoot: string): StackSettingsResult {
  const ports = { api: 0, ingest: 0, ingestGrpc: 0 };
  for (const [name, { variable, fallback }] of Object.entries(PORT_SETTINGS)) {
    const text = env[variable];
    const port = text === undefined || text === "" ? fallback : /^\d{1,5}$/.test(text) ? Number(text) : -1;
    if (port < 0 || port > PORT_MAX) {
      return { kind: "refused", message: `${variable} is "${text}"; it must be a port from 0 to ${PORT_MAX}.` };
    }
    ports[name as keyof typeof ports] = port; // a key of the table above
  }
  const fixed = Object.values(ports).filter((port) => port !== 0);
  if (new Set(fixed).size < fixed.length) {
    const names = Object.values(PORT_SETTINGS).map(({ variable }) => variable);
    return { kind: "refused", message: `${names.join(", ")} must be different ports, not ${fixed.join(", ")}.` };
  }
  const folder =
    env.POSTHORN_DATA_DIR === undefined || env.POSTHORN_DATA_DIR === "" ? ".posthorn" : env.POSTHORN_DATA_DIR;
  const dataDir = isAbsolute(folder) ? folder : join(projectRoot, folder);
  return { kind: "settings", settings: { dataDir, ports } };
}

/** The variable that moves a pinned port, for the message that one is taken. */
export function portVariable(name: keyof PinnedPorts): string {
  return PORT_SETTINGS[name].variable;
}
