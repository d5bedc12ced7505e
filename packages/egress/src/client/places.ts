/**
 * Shares out the right to a socket: at most so many to one origin and so many altogether. What finds none free waits
 * here, outside of any attempt; origins take turns, and within an origin its owners do. Failure policy: an owner whose
 * requests hang can never take the last places of an origin that others use too.
 */

export interface PlaceLimits {
  readonly connectionsPerOriginMax: number;
  readonly connectionsMax: number;
}

/** The right to one socket of an origin, for one request. Whoever holds it posts with it or disposes of it. */
export class Place implements Disposable {
  readonly origin: string;
  readonly #giveBack: () => void;
  #state: "held" | "in_use" | "given_back" = "held";

  constructor(origin: string, giveBack: () => void) {
    this.origin = origin;
    this.#giveBack = giveBack;
  }

  /** Called by the request that uses it, which gives it back when its socket is idle or closed. */
  occupy(origin: string): void {
    if (this.#state !== "held") throw new Error("a place is good for one request");
    if (origin !== this.origin) throw new Error(`a place at ${this.origin} was used for ${origin}`);
    this.#state = "in_use";
  }

  leave(): void {
    if (this.#state === "given_back") return;
    this.#state = "given_back";
    this.#giveBack();
  }

  /** Does nothing while a request uses the place, nor after it. */
  [Symbol.dispose](): void {
    if (this.#state === "held") this.leave();
  }
}

type Grant = (place: Place | undefined) => void;

type Origin = {
  readonly key: string;
  readonly heldByOwner: Map<string, number>;
  /** The next in turn first; owners without waiters are absent. */
  readonly waitingByOwner: Map<string, Set<Grant>>;
  held: number;
};

export class Places implements Disposable {
  readonly #limits: PlaceLimits;
  readonly #origins = new Map<string, Origin>();
  /** Origins with waiters that may have their share, the next in turn first: the bound on all places holds them up. */
  readonly #inTurn = new Set<Origin>();
  #held = 0;
  #waiting = 0;
  #isClosed = false;

  constructor(limits: PlaceLimits) {
    this.#limits = limits;
  }

  get waiting(): number {
    return this.#waiting;
  }

  tryReserve(originKey: string, owner: string): Place | undefined {
    if (this.#isClosed) return undefined;
    const origin = this.#origins.get(originKey) ?? newOrigin(originKey);
    const isFree = this.#held < this.#limits.connectionsMax && this.#hasShare(origin, owner);
    return isFree ? this.#take(origin, owner) : undefined;
  }

  /** Undefined when `signal` is aborted or all of this is disposed before a place is free. */
  reserve(originKey: string, owner: string, signal: AbortSignal | undefined): Promise<Place | undefined> {
    return new Promise((resolve) => {
      const place = signal?.aborted ? undefined : this.tryReserve(originKey, owner);
      if (place !== undefined || signal?.aborted || this.#isClosed) {
        resolve(place);
        return;
      }
      const grant: Grant = (granted) => {
        signal?.removeEventListener("abort", giveUp);
        this.#waiting -= 1;
        resolve(granted);
      };
      const giveUp = () => this.#giveUp(originKey, owner, grant);
      signal?.addEventListener("abort", giveUp);
      this.#wait(originKey, owner, grant);
    });
  }

  /** Ends all waiting. Places in use are not touched. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#inTurn.clear();
    for (const { waitingByOwner } of this.#origins.values()) {
      const grants = [...waitingByOwner.values()].flatMap((waiting) => [...waiting]);
      waitingByOwner.clear();
      for (const grant of grants) grant(undefined);
    }
  }

  /** Whether nothing but the bound on all places may hold this owner up. */
  #hasShare(origin: Origin, owner: string): boolean {
    const free = this.#limits.connectionsPerOriginMax - origin.held;
    return free > 0 && (origin.heldByOwner.get(owner) ?? 0) <= free;
  }

  #take(origin: Origin, owner: string): Place {
    this.#origins.set(origin.key, origin);
    this.#held += 1;
    origin.held += 1;
    origin.heldByOwner.set(owner, (origin.heldByOwner.get(owner) ?? 0) + 1);
    return new Place(origin.key, () => this.#putBack(origin, owner));
  }

  #putBack(origin: Origin, owner: string): void {
    this.#held -= 1;
    origin.held -= 1;
    const held = (origin.heldByOwner.get(owner) ?? 0) - 1;
    if (held > 0) origin.heldByOwner.set(owner, held);
    else origin.heldByOwner.delete(owner);
    if (origin.waitingByOwner.size > 0) this.#inTurn.add(origin);
    this.#serve();
    this.#forgetIfUnused(origin);
  }

  #wait(originKey: string, owner: string, grant: Grant): void {
    const origin = this.#origins.get(originKey) ?? newOrigin(originKey);
    this.#origins.set(originKey, origin);
    const waiting = origin.waitingByOwner.get(owner);
    if (waiting === undefined) origin.waitingByOwner.set(owner, new Set([grant]));
    else waiting.add(grant);
    this.#waiting += 1;
    if (this.#hasShare(origin, owner)) this.#inTurn.add(origin);
  }

  #giveUp(originKey: string, owner: string, grant: Grant): void {
    const origin = this.#origins.get(originKey);
    const waiting = origin?.waitingByOwner.get(owner);
    if (origin === undefined || !waiting?.delete(grant)) return;
    if (waiting.size === 0) origin.waitingByOwner.delete(owner);
    if (origin.waitingByOwner.size === 0) this.#inTurn.delete(origin);
    this.#forgetIfUnused(origin);
    grant(undefined);
  }

  #serve(): void {
    for (const origin of this.#inTurn) {
      if (this.#held >= this.#limits.connectionsMax) return;
      this.#inTurn.delete(origin);
      const owner = this.#nextOwner(origin);
      // Nothing more for this origin until one of its own places is given back.
      if (owner === undefined) continue;
      const grant = takeTurn(origin, owner);
      // Added again, it goes to the end of the line.
      if (origin.waitingByOwner.size > 0) this.#inTurn.add(origin);
      grant?.(this.#take(origin, owner));
    }
  }

  #nextOwner(origin: Origin): string | undefined {
    for (const owner of origin.waitingByOwner.keys()) {
      if (this.#hasShare(origin, owner)) return owner;
    }
    return undefined;
  }

  #forgetIfUnused(origin: Origin): void {
    if (origin.held === 0 && origin.waitingByOwner.size === 0) this.#origins.delete(origin.key);
  }
}

function newOrigin(key: string): Origin {
  return { key, heldByOwner: new Map(), waitingByOwner: new Map(), held: 0 };
}

/** The owner's longest waiter; the owner itself goes to the end of the line. */
function takeTurn(origin: Origin, owner: string): Grant | undefined {
  const waiting = origin.waitingByOwner.get(owner);
  const [first] = waiting ?? [];
  if (waiting === undefined || first === undefined) return undefined;
  waiting.delete(first);
  origin.waitingByOwner.delete(owner);
  if (waiting.size > 0) origin.waitingByOwner.set(owner, waiting);
  return first;
}
