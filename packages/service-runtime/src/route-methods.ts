/** Which methods a path knows, asked only when a request found no route: the difference between 404 and 405. */

export interface RouteMethods {
  /** Notes a route, such as ("GET", "/v1/orgs/:org/events"). */
  add(method: string, pattern: string): void;
  /** The methods of the routes that match the path (no query), sorted; empty if there is none. */
  allowed(path: string): readonly string[];
}

export function createRouteMethods(): RouteMethods {
  const routes: { readonly method: string; readonly pattern: readonly string[] }[] = [];
  return {
    add: (method, pattern) => void routes.push({ method, pattern: pattern.split("/") }),
    allowed: (path) => {
      const segments = path.split("/");
      const methods = routes.filter(({ pattern }) => matches(pattern, segments)).map(({ method }) => method);
      return [...new Set(methods)].sort();
    },
  };
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  if (pattern.at(-1) === "*")
    return segments.length >= pattern.length && matches(pattern.slice(0, -1), segments.slice(0, pattern.length - 1));
  if (pattern.length !== segments.length) return false;
  return pattern.every((part, index) => (part.startsWith(":") ? segments[index] !== "" : part === segments[index]));
}
