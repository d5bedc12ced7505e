/**
 * The kinds of settings a spec is made of. Each says in words what it allows, because those words are what an operator
 * reads when a process refuses to start.
 */
import type { Reading, Setting } from "./settings.ts";

const PORT_MAX = 65_535;
const MASK = "***";
const REFUSED: Reading<never> = { kind: "refused" };

/** A TCP port; 0 lets the system choose a free one. */
export function port(variable: string, fallback: number): Setting<number> {
  return integer(variable, { default: fallback, min: 0, max: PORT_MAX });
}

/** A whole number within bounds, both inclusive. Required if it has no default. */
export function integer(
  variable: string,
  limits: { readonly default?: number; readonly min: number; readonly max: number },
): Setting<number> {
  return plainSetting(variable, `a whole number from ${limits.min} to ${limits.max}`, (text) => {
    if (text === undefined) return valueOrRefused(limits.default);
    const number = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    return number >= limits.min && number <= limits.max ? accepted(number) : REFUSED;
  });
}

/** A share from 0 to 1, both inclusive. */
export function ratio(variable: string, fallback: number): Setting<number> {
  return plainSetting(variable, "a number from 0 to 1", (given) => {
    if (given === undefined) return accepted(fallback);
    const number = /^\d(\.\d+)?$/.test(given) ? Number(given) : Number.NaN;
    return number <= 1 ? accepted(number) : REFUSED;
  });
}

/** Any text. Required if it has no default. */
export function text(variable: string, options: { readonly default?: string } = {}): Setting<string> {
  return plainSetting(variable, "a text", (given) => valueOrRefused(given ?? options.default));
}

/** Any text, or `undefined` when the variable is not set. */
export function optionalText(variable: string): Setting<string | undefined> {
  return plainSetting(variable, "a text", accepted);
}

/** A required text that is never printed. */
export function secret(variable: string): Setting<string> {
  return secretSetting(variable, "a secret text", valueOrRefused);
}

/** A text that is never printed, or `undefined` when the variable is not set. */
export function optionalSecret(variable: string): Setting<string | undefined> {
  return secretSetting(variable, "a secret text", accepted);
}

/** Exactly `bytes` bytes as padded base64, never printed. */
export function secretBytes(variable: string, options: { readonly bytes: number }): Setting<Buffer> {
  return secretSetting(variable, `${options.bytes} bytes in base64`, (given) => {
    if (given === undefined) return REFUSED;
    const bytes = Buffer.from(given, "base64");
    // Buffer.from skips what is not base64; only the round trip shows that nothing was skipped.
    return bytes.length === options.bytes && bytes.toString("base64") === given ? accepted(bytes) : REFUSED;
  });
}

/** true or false, also written 1 or 0. */
export function flag(variable: string, fallback: boolean): Setting<boolean> {
  return plainSetting(variable, "true, false, 1 or 0", (given) => {
    if (given === undefined) return accepted(fallback);
    if (given === "true" || given === "1") return accepted(true);
    return given === "false" || given === "0" ? accepted(false) : REFUSED;
  });
}

/** What each item of a list must be; `allowed` completes the sentence "a comma-separated list, each ...". */
export interface ListItem {
  readonly allowed: string;
  accepts(item: string): boolean;
}

/** Texts separated by commas; blanks around them do not count, empty ones are refused. */
export function list(variable: string, fallback: readonly string[], item?: ListItem): Setting<readonly string[]> {
  const allowed = item === undefined ? "a comma-separated list" : `a comma-separated list, each ${item.allowed}`;
  return plainSetting(variable, allowed, (given) => {
    if (given === undefined) return accepted(fallback);
    const items = splitList(given);
    return items.every((one) => one !== "" && (item?.accepts(one) ?? true)) ? accepted(items) : REFUSED;
  });
}

/** One of the given words. */
export function oneOf<const V extends readonly string[]>(
  variable: string,
  values: V,
  fallback: V[number],
): Setting<V[number]> {
  return plainSetting<V[number]>(variable, `one of ${values.join(", ")}`, (given) => {
    if (given === undefined) return accepted(fallback);
    return values.includes(given) ? accepted(given) : REFUSED;
  });
}

export interface UrlOptions {
  /** Required if it has no default. */
  readonly default?: string;
  /** Without the colon, such as "nats"; any if absent. */
  readonly protocols?: readonly string[];
}

/** An absolute URL as text. User name, password and query are masked wherever it is shown. */
export function urlText(variable: string, options: UrlOptions = {}): Setting<string> {
  return urlSetting(variable, options, (given) => {
    const url = given ?? options.default;
    return url !== undefined && isUrl(url, options) ? accepted(url) : REFUSED;
  });
}

/** An absolute URL like `urlText`, or `undefined` when the variable is not set. */
export function optionalUrl(variable: string, options: Omit<UrlOptions, "default"> = {}): Setting<string | undefined> {
  return urlSetting(variable, options, (given) =>
    given === undefined || isUrl(given, options) ? accepted(given) : REFUSED,
  );
}

/** One or more absolute URLs separated by commas, such as the servers of a cluster; masked like `urlText`. */
export function urlList(variable: string, options: UrlOptions = {}): Setting<readonly string[]> {
  const allowed = `a comma-separated list of URLs${protocolWords(options)}`;
  const setting = plainSetting<readonly string[]>(variable, allowed, (given) => {
    const urls = splitList(given ?? options.default ?? "");
    return urls.every((url) => isUrl(url, options)) ? accepted(urls) : REFUSED;
  });
  return {
    ...setting,
    showText: (given) => JSON.stringify(maskedUrlText(given)),
    showValue: (urls) => urls.map(maskedUrl),
  };
}

function plainSetting<T>(variable: string, allowed: string, read: Setting<T>["read"]): Setting<T> {
  return { variable, allowed, read, showText: (given) => JSON.stringify(given), showValue: (value) => value };
}

function urlSetting<T extends string | undefined>(
  variable: string,
  options: UrlOptions,
  read: Setting<T>["read"],
): Setting<T> {
  return {
    ...plainSetting(variable, `a URL${protocolWords(options)}`, read),
    showText: (given) => JSON.stringify(maskedUrlText(given)),
    showValue: (url) => (url === undefined ? undefined : maskedUrl(url)),
  };
}

function secretSetting<T>(variable: string, allowed: string, read: Setting<T>["read"]): Setting<T> {
  const showText = (given: string): string => `${MASK} (${given.length} characters, not shown)`;
  return { variable, allowed, read, showText, showValue: () => MASK };
}

function accepted<T>(value: T): Reading<T> {
  return { kind: "value", value };
}

function valueOrRefused<T>(value: T | undefined): Reading<T> {
  return value === undefined ? REFUSED : accepted(value);
}

function splitList(given: string): readonly string[] {
  return given.split(",").map((item) => item.trim());
}

function protocolWords(options: UrlOptions): string {
  if (options.protocols === undefined) return "";
  return ` starting with ${options.protocols.map((protocol) => `${protocol}://`).join(" or ")}`;
}

function isUrl(given: string, options: UrlOptions): boolean {
  const url = URL.parse(given);
  return url !== null && (options.protocols?.includes(url.protocol.slice(0, -1)) ?? true);
}

/** A valid URL without its user name, password and query, all of which may hold secrets. */
function maskedUrl(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, `//${MASK}@`).replace(/\?.*$/s, `?${MASK}`);
}

// A text that was refused is no URL, so nobody knows where its password ends: all before the last @ goes.
function maskedUrlText(given: string): string {
  return given.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, `$1${MASK}@`).replace(/\?.*$/s, `?${MASK}`);
}
