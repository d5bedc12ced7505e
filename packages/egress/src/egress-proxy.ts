/** The operator's own way out, a second wall behind the guard. Never taken from `HTTP_PROXY` and its kin. */

export interface EgressProxy {
  readonly origin: string;
  /** The value of `Proxy-Authorization`: a secret. */
  readonly authorization: string | undefined;
}

export type ParsedEgressProxy =
  | { readonly kind: "ok"; readonly proxy: EgressProxy }
  | { readonly kind: "refused"; readonly message: string };

const REFUSED: ParsedEgressProxy = {
  kind: "refused",
  message:
    "is not the URL of an HTTP proxy such as http://proxy.internal:4750 or http://user:password@proxy.internal:4750",
};

/** Reads `http://[user:password@]host[:port]`. What it refuses is not repeated in its message: it may hold a password. */
export function parseEgressProxy(text: string): ParsedEgressProxy {
  const url = URL.parse(text);
  if (url?.protocol !== "http:" || url.pathname !== "/" || url.search !== "" || url.hash !== "") return REFUSED;
  const credentials = decoded(`${url.username}:${url.password}`);
  if (credentials === undefined) return REFUSED;
  const authorization = credentials === ":" ? undefined : `Basic ${Buffer.from(credentials).toString("base64")}`;
  return { kind: "ok", proxy: { origin: url.origin, authorization } };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
