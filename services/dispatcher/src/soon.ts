/**
 * What is there already, or comes later. On the way of a delivery nearly all of what could have to be waited for is
 * there; a promise that is awaited all the same costs about a microsecond and a kilobyte that outlives the wait.
 */

export type Soon<Value> = Value | Promise<Value>;

/** `next` at once when the value is there; what it throws is thrown then. */
export function afterwards<Value, Result>(soon: Soon<Value>, next: (value: Value) => Promise<Result>): Promise<Result> {
  return soon instanceof Promise ? soon.then(next) : next(soon);
}
