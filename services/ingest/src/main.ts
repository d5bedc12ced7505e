/** The process of ingest. */

import { runService } from "@posthorn/service-runtime";
import { settings } from "./config.ts";
import { startIngest } from "./service.ts";

await runService({ name: "ingest", settings, start: startIngest });
