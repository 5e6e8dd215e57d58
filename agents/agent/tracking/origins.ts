import { max, monotonicMs, NativeMap, NativeWeakSet } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawOrigin } from '../../tracked.ts';
import { isNodes } from './sites.ts';

/** An idle connection lives at least this long: Node's servers close after 5 s, others later. */
const KEPT_MS = 4000;
/** Places in memory, and requests under way to one origin. */
const MAX_PLACES = 200;
const MAX_UNDER_WAY = 1000;
const ORIGIN_LIMIT = 200;

/** Why a connection was opened although one that was idle could have been there. */
export type Reason = 'client' | 'off' | 'close';

/** A request to another process, until its answer is there. */
export interface Outgoing {
  origin: string;
  /** Null where there is no room. */
  place: Place | null;
  startMs: number;
  /** One request fewer was under way than had been at once before. */
  couldReuse: boolean;
  isDone(): boolean;
}

/** What one line asks of one origin. */
export interface Place extends Omit<RawOrigin, 'connectMs' | 'requestMs' | 'spanMs'> {
  firstMs: number;
  lastMs: number;
  connects: { count: number; ms: number };
  answers: { count: number; ms: number };
  changed: boolean;
}

interface Origin {
  clients: WeakSet<object>;
  underWay: Outgoing[];
  most: number;
  lastMs: number;
}

/** Requests by origin and line, and whether each needed a connection of its own: a pool would have opened as many as were under way at once. */
export class Origins {
  readonly #origins = new NativeMap<string, Origin>();
  readonly #places = new NativeMap<string, Place>();
  #nextId = 1;

  begin(address: string, frames: RawFrame[] | null, isDone: () => boolean): Outgoing {
    const name = address.slice(0, ORIGIN_LIMIT);
    const place = this.#placeOf(name, frames ?? []);
    const origin = this.#originOf(name);
    const now = monotonicMs();
    if (origin.underWay.length >= origin.most) origin.underWay = origin.underWay.filter((one) => !one.isDone());
    const under = origin.underWay.length;
    if (under === 0 && now - origin.lastMs > KEPT_MS) origin.most = 0;
    const couldReuse = under < origin.most;
    origin.most = max(origin.most, under + 1);
    origin.lastMs = now;
    const one = { origin: name, place, startMs: now, couldReuse, isDone };
    if (under < MAX_UNDER_WAY) origin.underWay.push(one);
    if (place) place.requests++;
    return one;
  }

  /** The first that this client asks of the origin. */
  isNewClient(name: string, client: object): boolean {
    const { clients } = this.#originOf(name);
    if (clients.has(client)) return false;
    clients.add(client);
    return true;
  }

  /** Its answer has begun. */
  answered({ place, startMs, couldReuse }: Outgoing, opened: boolean, reason: Reason | null): void {
    if (!place) return;
    const now = monotonicMs();
    place.answers.count++;
    place.answers.ms += now - startMs;
    place.changed = true;
    if (!opened) return;
    place.opened++;
    if (reason === null || !couldReuse) return;
    place.avoidable++;
    place.reasons[reason]++;
    if (place.firstMs === 0) place.firstMs = startMs;
    place.lastMs = now;
  }

  connected({ place }: Outgoing, ms: number): void {
    if (!place) return;
    place.connects.count++;
    place.connects.ms += ms;
  }

  /** What was under way is not known from now on. */
  pause(): void {
    this.#origins.clear();
  }

  /** Those that opened connections that need not have been, since the last call. */
  read(): RawOrigin[] {
    const places = [...this.#places.values()].filter(({ avoidable }) => avoidable > 0);
    const read = places.filter((place) => place.changed && !(isUnknown(place) && knownOf(places, place).length > 0));
    return read.map(({ changed: _changed, connects, answers, firstMs, lastMs, ...place }) => ({
      ...place,
      ...withUnknown(places, place),
      spanMs: lastMs - firstMs,
      connectMs: connects.count > 0 ? connects.ms / connects.count : null,
      requestMs: answers.count > 0 ? answers.ms / answers.count : null,
    }));
  }

  /** To be called after `read`. */
  settle(): void {
    for (const place of this.#places.values()) place.changed = false;
  }

  #originOf(name: string): Origin {
    let origin = this.#origins.get(name);
    if (!origin) {
      origin = { clients: new NativeWeakSet(), underWay: [], most: 0, lastMs: monotonicMs() };
      if (this.#origins.size >= MAX_PLACES) this.#origins.clear();
      this.#origins.set(name, origin);
    }
    return origin;
  }

  #placeOf(origin: string, frames: RawFrame[]): Place | null {
    const [, url, line, column] = frames.find((frame) => !isNodes(frame)) ?? [];
    const key = `${origin} ${url}:${line}:${column}`;
    let place = this.#places.get(key);
    if (!place) {
      if (this.#places.size >= MAX_PLACES) return null;
      place = {
        ...{ id: this.#nextId++, origin, frames, requests: 0, opened: 0, avoidable: 0, firstMs: 0, lastMs: 0 },
        reasons: { client: 0, off: 0, close: 0 },
        connects: { count: 0, ms: 0 },
        answers: { count: 0, ms: 0 },
        changed: true,
      };
      this.#places.set(key, place);
    }
    return place;
  }
}

type Counts = Pick<RawOrigin, 'origin' | 'frames' | 'requests' | 'opened' | 'avoidable' | 'reasons'>;

function isUnknown({ frames }: Counts): boolean {
  return frames.length === 0;
}

/** Lines that ask the same origin. */
function knownOf(places: readonly Counts[], { origin }: Counts): Counts[] {
  return places.filter((place) => place.origin === origin && !isUnknown(place));
}

/** Where only a sample of the lines is known, what is of the same origin is divided among them. */
function withUnknown(places: readonly Counts[], place: Counts): Omit<Counts, 'origin' | 'frames'> {
  const unknown = places.find((one) => one.origin === place.origin && isUnknown(one));
  const sum = (of: (one: Counts) => number): number => knownOf(places, place).reduce((all, one) => all + of(one), 0);
  const scaled = (of: (one: Counts) => number): number =>
    unknown && unknown !== place && sum(of) > 0 ? (of(place) * (sum(of) + of(unknown))) / sum(of) : of(place);
  const { client, off, close } = place.reasons;
  return {
    requests: scaled(({ requests }) => requests),
    opened: scaled(({ opened }) => opened),
    avoidable: scaled(({ avoidable }) => avoidable),
    reasons: { client, off, close },
  };
}
