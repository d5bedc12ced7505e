/** The api's process. */

import { runService } from "@posthorn/service-runtime";
import { settings } from "./config.ts";
import { startApi } from "./service.ts";

await runService({ name: "api", settings, start: startApi });
