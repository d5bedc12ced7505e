/**
 * The patterns of one organisation, compiled into a trie by token. Matching visits at most two branches per
 * level, however many webhooks there are; a webhook with overlapping patterns is found once.
 */

import { isOperationalType, OPERATIONAL_TOKEN } from "./pattern.ts";

/** Most nodes have but one of the three, and an empty Map or Set would take more memory than all the rest of them. */
type Node<Key> = {
  children: Map<string, Node<Key>> | undefined;
  /** Webhooks whose pattern ends here, exactly. */
  exact: Set<Key> | undefined;
  /** Webhooks whose pattern goes on with a final `*`: one or more further tokens. */
  tail: Set<Key> | undefined;
};

export class PatternIndex<Key> {
  readonly #root: Node<Key> = emptyNode();

  add(key: Key, patterns: Iterable<string>): void {
    for (const pattern of patterns) {
      const { node, end } = this.#placeOf(pattern);
      node[end] ??= new Set();
      node[end].add(key);
    }
  }

  remove(key: Key, patterns: Iterable<string>): void {
    for (const pattern of patterns) {
      const { node, end } = this.#placeOf(pattern);
      node[end]?.delete(key);
      prune(this.#root, pattern.split("."), 0);
    }
  }

  match(type: string): Set<Key> {
    const found = new Set<Key>();
    const tokens = type.split(".");
    if (!isOperationalType(type)) collect(this.#root, tokens, 0, found);
    else {
      const operational = this.#root.children?.get(OPERATIONAL_TOKEN);
      if (operational !== undefined) collect(operational, tokens, 1, found);
    }
    return found;
  }

  /** The node where the pattern ends, made if there is none, and how it ends there. */
  #placeOf(pattern: string): { readonly node: Node<Key>; readonly end: "exact" | "tail" } {
    const tokens = pattern.split(".");
    const end = tokens.at(-1) === "*" ? "tail" : "exact";
    let node = this.#root;
    for (const token of end === "tail" ? tokens.slice(0, -1) : tokens) {
      node.children ??= new Map();
      let child = node.children.get(token);
      if (child === undefined) {
        child = emptyNode();
        node.children.set(token, child);
      }
      node = child;
    }
    return { node, end };
  }
}

function emptyNode<Key>(): Node<Key> {
  return { children: undefined, exact: undefined, tail: undefined };
}

function collect<Key>(node: Node<Key>, tokens: readonly string[], depth: number, found: Set<Key>): void {
  const token = tokens[depth];
  if (token === undefined) {
    for (const key of node.exact ?? []) found.add(key);
    return;
  }
  for (const key of node.tail ?? []) found.add(key);
  const child = node.children?.get(token);
  if (child !== undefined) collect(child, tokens, depth + 1, found);
  const star = node.children?.get("*");
  if (star !== undefined) collect(star, tokens, depth + 1, found);
}

/** Drops branches that no pattern uses any more, so that churn does not grow the trie. */
function prune<Key>(node: Node<Key>, tokens: readonly string[], depth: number): boolean {
  const token = tokens[depth];
  const child = token === undefined ? undefined : node.children?.get(token);
  if (token !== undefined && child !== undefined && prune(child, tokens, depth + 1)) node.children?.delete(token);
  return isEmpty(node.children) && isEmpty(node.exact) && isEmpty(node.tail);
}

function isEmpty(held: { readonly size: number } | undefined): boolean {
  return held === undefined || held.size === 0;
}
