/** The signer's settings, and the only place that knows their variables. */

import { port, runtimeSettings, type SettingsOf, secretBytes } from "@posthorn/service-runtime";
import { MASTER_KEY_BYTES } from "./core/sealing.ts";

export const signerSettings = {
  ...runtimeSettings("signer"),
  /** Where SigningService is served; 0 takes any free port. */
  grpcPort: port("POSTHORN_SIGNER_GRPC_PORT", 0),
  /** Seals and opens every webhook's secrets. Losing it loses them all; no other service gets it. */
  masterKey: secretBytes("POSTHORN_MASTER_KEY", { bytes: MASTER_KEY_BYTES }),
};

export type SignerConfig = SettingsOf<typeof signerSettings>;
