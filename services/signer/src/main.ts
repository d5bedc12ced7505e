/** The signer's process. */

import { runService } from "@posthorn/service-runtime";
import { signerSettings } from "./config.ts";
import { startSigner } from "./service.ts";

await runService({ name: "signer", settings: signerSettings, start: startSigner });
