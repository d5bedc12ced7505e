/**
 * Crashes that were asked for happen one in a life: of the points that `POSTHORN_CRASH_POINT` names, separated by commas,
 * the first process gets the first, the one that takes its place the next, and those after the last get none.
 */

type Variables = Readonly<Record<string, string>>;

/** @param life from 0. */
export function environmentOfLife(env: Variables, life: number): Variables {
  const { POSTHORN_CRASH_POINT: points, ...others } = env;
  const point = points?.split(",")[life];
  return point === undefined ? others : { ...others, POSTHORN_CRASH_POINT: point };
}
