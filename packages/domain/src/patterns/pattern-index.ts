/**
 * The patterns of one organisation, compiled into a trie by token. Matching visits at most two branches per
 * level, however many webhooks there are; a webhook with overlapping patterns is found once.
 */

type Node<Key> = {
  readonly children: Map<string, Node<Key>>;
  /** Webhooks whose pattern ends here, exactly. */
  readonly exact: Set<Key>;
  /** Webhooks whose pattern goes on with a final `*`: one or more further tokens. */
  readonly tail: Set<Key>;
};

export class PatternIndex<Key> {
  readonly #root: Node<Key> = emptyNode();

  add(key: Key, patterns: Iterable<string>): void {
    for (const pattern of patterns) this.#place(pattern).add(key);
  }

  remove(key: Key, patterns: Iterable<string>): void {
    for (const pattern of patterns) {
      this.#place(pattern).delete(key);
      prune(this.#root, pattern.split("."), 0);
    }
  }

  match(type: string): Set<Key> {
    const found = new Set<Key>();
    collect(this.#root, type.split("."), 0, found);
    return found;
  }

  #place(pattern: string): Set<Key> {
    const tokens = pattern.split(".");
    const isTail = tokens.at(-1) === "*";
    let node = this.#root;
    for (const token of isTail ? tokens.slice(0, -1) : tokens) {
      let child = node.children.get(token);
      if (child === undefined) {
        child = emptyNode();
        node.children.set(token, child);
      }
      node = child;
    }
    return isTail ? node.tail : node.exact;
  }
}

function emptyNode<Key>(): Node<Key> {
  return { children: new Map(), exact: new Set(), tail: new Set() };
}

function collect<Key>(node: Node<Key>, tokens: readonly string[], depth: number, found: Set<Key>): void {
  const token = tokens[depth];
  if (token === undefined) {
    for (const key of node.exact) found.add(key);
    return;
  }
  for (const key of node.tail) found.add(key);
  const child = node.children.get(token);
  if (child !== undefined) collect(child, tokens, depth + 1, found);
  const star = node.children.get("*");
  if (star !== undefined) collect(star, tokens, depth + 1, found);
}

/** Drops branches that no pattern uses any more, so that churn does not grow the trie. */
function prune<Key>(node: Node<Key>, tokens: readonly string[], depth: number): boolean {
  const token = tokens[depth];
  const child = token === undefined ? undefined : node.children.get(token);
  if (token !== undefined && child !== undefined && prune(child, tokens, depth + 1)) node.children.delete(token);
  return node.children.size === 0 && node.exact.size === 0 && node.tail.size === 0;
}
