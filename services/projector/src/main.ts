/** The projector's process. */

import { runService } from "@posthorn/service-runtime";
import { settings } from "./config.ts";
import { startProjector } from "./service.ts";

await runService({ name: "projector", settings, start: startProjector });
