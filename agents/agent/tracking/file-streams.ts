import { builtIn } from '../../built-in.ts';
import { monotonicMs, NativeSet, NativeWeakRef } from '../../primordials.ts';
import { hasOwn } from './handle-state.ts';
import { ownersFrames } from './owners-frames.ts';
import { createSampling } from './sampling.ts';
import { begin, end, type Sites, type Started } from './sites.ts';
import { lighten } from './weights.ts';

/** Of each second, for stacks: at first, and at most. */
const BUDGET_MS = 10;
/** Followed at a time. */
const MAX_FOLLOWED = 5000;

/** As far as it is looked at. */
interface FileStream {
  closed?: unknown;
  fd?: unknown;
}

interface Tick {
  callback?: { name?: unknown };
  args?: unknown[];
}

interface Followed extends Started {
  ref: WeakRef<FileStream>;
  /** The descriptor, once it is known, and what it leads to. */
  fd: number | null;
  target: string | null;
}

/**
 * Follows streams of node:fs until they are closed: each keeps a descriptor, for which Node has no async resource. The program is on the
 * stack when Node plans to open one, in its next tick. A stream that is collected without having been closed leaves its descriptor open.
 */
export class FollowedFileStreams {
  readonly #sites: Sites;
  readonly #followed = new NativeSet<Followed>();
  readonly #sampling = createSampling(BUDGET_MS);
  /** Node's function that opens streams, once one was seen. */
  #opener: unknown = null;

  constructor(sites: Sites) {
    this.#sites = sites;
  }

  /** Called within a hook, for each tick that is planned. */
  onTick(tick: object): void {
    const { callback, args } = tick as Tick;
    if (this.#opener === null ? callback?.name !== 'constructNT' : callback !== this.#opener) return;
    const stream = args?.[0];
    if (!isFileStream(stream)) return;
    this.#opener = callback;
    if (!this.#sampling.next() || this.#followed.size >= MAX_FOLLOWED) return;
    this.#sampling.spend(() => this.#follow(stream));
  }

  adapt(intervalMs: number): void {
    this.#sampling.adapt(intervalMs);
    this.check();
  }

  setBudget(share: number): void {
    this.#sampling.setBudget(BUDGET_MS * share);
  }

  /** Time that stacks took since the last call. */
  spent(): number {
    return this.#sampling.spent();
  }

  /** Ends those that were closed, and finds the oldest of each site. */
  check(): void {
    for (const one of this.#followed) {
      if (!isOpen(one)) {
        this.#followed.delete(one);
        end(one, monotonicMs());
      } else if (one.startMs < one.site.oldestStart) one.site.oldestStart = one.startMs;
    }
  }

  /** After a pause, in which others came unseen. */
  verify(): void {
    this.check();
    for (const one of this.#followed) lighten(one);
  }

  stop(): void {
    this.#followed.clear();
  }

  #follow(stream: FileStream): void {
    const frames = ownersFrames();
    const site = hasOwn(frames) ? this.#sites.here('handle', 'FILESTREAM', '', frames) : null;
    if (!site) return;
    const weight = this.#sampling.weight();
    const one = { site, startMs: monotonicMs(), weight, ref: new NativeWeakRef(stream), fd: null, target: null };
    this.#followed.add(one);
    begin(one);
  }
}

/** One that is given a descriptor does not open one. */
function isFileStream(stream: unknown): stream is FileStream {
  const fs = builtIn<typeof import('node:fs')>('fs');
  if (fs === null || typeof stream !== 'object' || stream === null) return false;
  const isOne = stream instanceof fs.ReadStream || stream instanceof fs.WriteStream;
  return isOne && typeof (stream as FileStream).fd !== 'number';
}

function isOpen(one: Followed): boolean {
  const stream = one.ref.deref();
  // What nobody knows any more may have been closed before; where its descriptor still leads there, it was not.
  if (stream === undefined) return one.target !== null && targetOf(one.fd) === one.target;
  if (stream.closed === true) return false;
  if (one.fd === null && typeof stream.fd === 'number') {
    one.fd = stream.fd;
    one.target = targetOf(one.fd);
  }
  return true;
}

/** On Linux, without asking the storage; null elsewhere. */
function targetOf(fd: number | null): string | null {
  try {
    return fd === null ? null : (builtIn<typeof import('node:fs')>('fs')?.readlinkSync(`/proc/self/fd/${fd}`) ?? null);
  } catch {
    return null;
  }
}
