/** Masks what a URL may hide: the values of its query, which often are tokens. */

/** The URL with every query value replaced by `***`; the text is returned as it is when it has no query. */
export function maskUrl(url: string): string {
  const start = url.indexOf("?");
  if (start === -1) return url;
  const query = url
    .slice(start + 1)
    .replaceAll(/(^|&)([^=&]*)(=[^&]*)?/g, (_all, separator, name, value) =>
      value === undefined ? `${separator}${name === "" ? "" : "***"}` : `${separator}${name}=***`,
    );
  return `${url.slice(0, start)}?${query}`;
}
