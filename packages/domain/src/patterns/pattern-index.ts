/**
 * The patterns of one organisation, compiled into a trie by token. Matching visits at most two branches per
 * level, however many webhooks there are; a webhook with overlapping patterns is found once.
 */

import { isOperationalType, OPERATIONAL_TOKEN } from "./pattern.ts";

/** What most nodes have one of is kept without a collection: an empty Map or Set takes more memory than all the rest. */
type Node<Key> = {
  /** The token of the only child, or undefined when there are none or several. */
  token: string | undefined;
  child: Node<Key> | undefined;
  /** Several, by token. */
  children: Map<string, Node<Key>> | undefined;
  /** Webhooks whose pattern ends here, exactly. */
  exact: Key | Several<Key> | undefined;
  /** Webhooks whose pattern goes on with a final `*`: one or more further tokens. */
  tail: Key | Several<Key> | undefined;
};

/** Keys of one node. Of its own kind, so that no key is taken for one. */
class Several<Key> extends Set<Key> {}

export class PatternIndex<Key> {
  readonly #root: Node<Key> = emptyNode();

  add(key: Key, patterns: Iterable<string>): void {
    for (const pattern of patterns) {
      const { node, end } = this.#placeOf(pattern);
      node[end] = withKey(node[end], key);
    }
  }

  remove(key: Key, patterns: Iterable<string>): void {
    for (const pattern of patterns) {
      const { node, end } = this.#placeOf(pattern);
      node[end] = withoutKey(node[end], key);
      prune(this.#root, pattern.split("."), 0);
    }
  }

  match(type: string): Set<Key> {
    const found = new Set<Key>();
    const tokens = type.split(".");
    if (!isOperationalType(type)) collect(this.#root, tokens, 0, found);
    else {
      const operational = childOf(this.#root, OPERATIONAL_TOKEN);
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
      node = childOf(node, token) ?? addChild(node, token);
    }
    return { node, end };
  }
}

function emptyNode<Key>(): Node<Key> {
  return { token: undefined, child: undefined, children: undefined, exact: undefined, tail: undefined };
}

function childOf<Key>(node: Node<Key>, token: string): Node<Key> | undefined {
  return node.token === token ? node.child : node.children?.get(token);
}

function addChild<Key>(node: Node<Key>, token: string): Node<Key> {
  const child = emptyNode<Key>();
  if (node.child === undefined && node.children === undefined) {
    node.token = token;
    node.child = child;
    return child;
  }
  node.children ??= new Map();
  if (node.token !== undefined && node.child !== undefined) node.children.set(node.token, node.child);
  node.token = undefined;
  node.child = undefined;
  node.children.set(token, child);
  return child;
}

function removeChild<Key>(node: Node<Key>, token: string): void {
  if (node.token === token) {
    node.token = undefined;
    node.child = undefined;
  }
  node.children?.delete(token);
  if (node.children?.size === 0) node.children = undefined;
}

function withKey<Key>(keys: Key | Several<Key> | undefined, key: Key): Key | Several<Key> {
  if (keys === undefined || keys === key) return key;
  return keys instanceof Several ? keys.add(key) : new Several([keys, key]);
}

function withoutKey<Key>(keys: Key | Several<Key> | undefined, key: Key): Key | Several<Key> | undefined {
  if (keys === key) return undefined;
  if (!(keys instanceof Several)) return keys;
  keys.delete(key);
  return keys.size === 0 ? undefined : keys;
}

function collectKeys<Key>(keys: Key | Several<Key> | undefined, found: Set<Key>): void {
  if (keys instanceof Several) for (const key of keys) found.add(key);
  else if (keys !== undefined) found.add(keys);
}

function collect<Key>(node: Node<Key>, tokens: readonly string[], depth: number, found: Set<Key>): void {
  const token = tokens[depth];
  collectKeys(token === undefined ? node.exact : node.tail, found);
  if (token === undefined) return;
  const child = childOf(node, token);
  if (child !== undefined) collect(child, tokens, depth + 1, found);
  const star = childOf(node, "*");
  if (star !== undefined) collect(star, tokens, depth + 1, found);
}

/** Drops branches that no pattern uses any more, so that churn does not grow the trie. */
function prune<Key>(node: Node<Key>, tokens: readonly string[], depth: number): boolean {
  const token = tokens[depth];
  const child = token === undefined ? undefined : childOf(node, token);
  if (token !== undefined && child !== undefined && prune(child, tokens, depth + 1)) removeChild(node, token);
  const hasChildren = node.child !== undefined || node.children !== undefined;
  return !hasChildren && node.exact === undefined && node.tail === undefined;
}
