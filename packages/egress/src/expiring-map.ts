/** A bounded map whose values expire. When it is full the value that was set first makes room. */

interface Entry<Value> {
  readonly value: Value;
  readonly expiresAtMs: number;
}

export class ExpiringMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, nowMs: number): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAtMs > nowMs) return entry?.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: Value, expiresAtMs: number): void {
    this.#entries.delete(key);
    if (this.#entries.size >= this.#entriesMax) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
    this.#entries.set(key, { value, expiresAtMs });
  }
}
