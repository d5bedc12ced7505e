/** The scheduler's process. */

import { runService } from "@posthorn/service-runtime";
import { settings } from "./config.ts";
import { startScheduler } from "./service.ts";

await runService({ name: "scheduler", settings, start: startScheduler });
