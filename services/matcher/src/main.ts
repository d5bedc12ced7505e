/** The matcher's process. */

import { runService } from "@posthorn/service-runtime";
import { settings } from "./config.ts";
import { startMatcher } from "./service.ts";

await runService({ name: "matcher", settings, start: startMatcher });
