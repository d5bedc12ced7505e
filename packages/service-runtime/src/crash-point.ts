/**
 * Places at which a test may let a process die, named where an unlucky moment would hurt: between a publish and its
 * acknowledgement, between a commit and an answer. Nothing happens at them unless the environment names one.
 */

/** Dies here when this point was named. Names say where: "projector.committed". */
export type CrashPoint = (name: string) => void;

/** A name, and at which passing: "ingest.stored" is the first, "ingest.stored:3" the third. */
const SPECIFICATION = /^([a-z]+(?:[.-][a-z]+)*)(?::([1-9]\d{0,8}))?$/;

const nothing: CrashPoint = () => {};

/**
 * @param specification undefined or empty: nothing ever happens, and a passing costs no more than an empty call.
 * @throws Error when it names no point, so that a misspelt one does not pass for a test that was survived.
 */
export function createCrashPoint(specification: string | undefined, die: () => void): CrashPoint {
  if (specification === undefined || specification === "") return nothing;
  const [, named, count = "1"] = SPECIFICATION.exec(specification) ?? [];
  if (named === undefined) {
    throw new Error(
      `POSTHORN_CRASH_POINT is ${JSON.stringify(specification)}; it must be a name such as "ingest.stored", ` +
        'or one with the passing at which to die, such as "ingest.stored:3".',
    );
  }
  let passingsLeft = Number(count);
  return (name) => {
    if (name !== named) return;
    passingsLeft -= 1;
    if (passingsLeft === 0) die();
  };
}

/** Of this process: SIGKILL, so that nothing is flushed, closed or said. */
export const crashPoint: CrashPoint = createCrashPoint(process.env.POSTHORN_CRASH_POINT, () => {
  process.kill(process.pid, "SIGKILL");
});
