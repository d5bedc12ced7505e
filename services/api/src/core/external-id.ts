/** Ids of webhooks that their creators choose. They stand in paths, so that they are what every client sends as it is. */

const EXTERNAL_ID = /^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,64}$/;

export const EXTERNAL_ID_RULE = "must be 1 to 64 letters, digits, underscores, dots or dashes, and not . or ..";

/** Undefined when the text cannot be one. */
export function parseExternalId(text: string): string | undefined {
  return EXTERNAL_ID.test(text) ? text : undefined;
}
