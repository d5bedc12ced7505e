/** The dispatcher's process. */

import { runService } from "@posthorn/service-runtime";
import { settings } from "./config.ts";
import { startDispatcher } from "./service.ts";

await runService({ name: "dispatcher", settings, start: startDispatcher });
