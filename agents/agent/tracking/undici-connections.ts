import { monotonicMs, NativeMap, NativeWeakMap } from '../../primordials.ts';

/** Addresses, and connections of each that are being opened. */
const MAX_OPENING = 100;

/** One that has carried nothing yet: whether its client is new, and how long it took to open. */
interface Fresh {
  isNew: boolean;
  ms: number;
}

/** Connections that undici opens, until the first request is sent on them. */
export class UndiciConnections {
  readonly #fresh = new NativeWeakMap<object, Fresh>();
  readonly #opening = new NativeMap<string, number[]>();

  opening(origin: string): void {
    const started = this.#opening.get(origin) ?? [];
    if (started.length < MAX_OPENING && this.#opening.size < MAX_OPENING) started.push(monotonicMs());
    this.#opening.set(origin, started);
  }

  /** `isNew`: whether it is the first of its client; asked only if it was seen to begin. */
  opened(origin: string, socket: object | undefined, isNew: () => boolean): void {
    const startMs = this.#opening.get(origin)?.shift();
    if (socket && startMs !== undefined) this.#fresh.set(socket, { isNew: isNew(), ms: monotonicMs() - startMs });
  }

  /** Once for each. */
  take(socket: object): Fresh | undefined {
    const fresh = this.#fresh.get(socket);
    if (fresh) this.#fresh.delete(socket);
    return fresh;
  }

  pause(): void {
    this.#opening.clear();
  }
}
