import { glob, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { CRASH_POINTS, CRASHING_SERVICES, pointNameOf } from "./crash-points.ts";

const SERVICES = fileURLToPath(new URL("../../services", import.meta.url));
const PASSING = /\bcrashPoint\(([^)]*)\)/g;

/** What stands between the parentheses, each as often as it stands there. */
async function passingsOf(service: string): Promise<readonly string[]> {
  const passings: string[] = [];
  for await (const file of glob(`${SERVICES}/${service}/src/**/*.ts`)) {
    const source = await readFile(file, "utf8");
    for (const [, argument = ""] of source.matchAll(PASSING)) passings.push(argument);
  }
  return passings.sort();
}

it("has every place at which a service can be told to die, and each place has a name of its own", async () => {
  const listed = CRASHING_SERVICES.flatMap((service) => CRASH_POINTS[service].map(pointNameOf));
  expect(await passingsOf("*")).toEqual(listed.map((name) => `"${name}"`).sort());
});

it.each(CRASHING_SERVICES)("names the service in front of the place: %s", (service) => {
  for (const point of CRASH_POINTS[service]) expect(point.startsWith(`${service}.`)).toBe(true);
});
