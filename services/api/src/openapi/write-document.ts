/** Writes the checked-in description of the API anew: `npm run openapi`. */

import { writeFile } from "node:fs/promises";
import packageJson from "../../package.json" with { type: "json" };
import { openApiText } from "./document.ts";

await writeFile(new URL("../../openapi.json", import.meta.url), openApiText(packageJson.version));
