import type { HookCounts, ThreadApi } from '../../src/protocol/thread-api.ts';
import { createSensor, guarded, isOff } from '../guard.ts';
import { monotonicMs, NativeMap, process } from '../primordials.ts';
import { hookPromises } from '../promise-hooks.ts';
import type { RawFrame } from '../shared-memory.ts';
import { atNextTurn } from './microtask-turns.ts';
import { enterInit, inits } from './own-hooks.ts';
import { callSites, OWN_FRAMES } from './stack.ts';
import { hookWithoutPromises } from './tracking/handle-hook.ts';
import type { Tap } from './tracking/tracking.ts';

/** The hooks remove themselves after this time: with them, awaits cost 1.4 times as much. */
const HOOKS_MS = 150;
/** The clock is read once in this many events: a loop of awaits makes millions, and no timer can fire. */
const CLOCK_STRIDE = 256;
/** Frames kept of a creation site; more where few are the agent's. */
const SITE_FRAMES = 16;
/** Creation sites taken in one deep sample: each costs 10–20 µs. */
const MAX_SITES = 120;
/** The first of each type, then one in this many: by then it is a storm. */
const FIRST_SITES = 16;
const SITE_STRIDE = 61;
/** Distinct sites and types kept. */
const MAX_DISTINCT = 24;

const sensor = createSensor('the hooks of deep samples');

const processCpu = process.cpuUsage.bind(process);

interface TypeCount {
  type: string;
  count: number;
  sites: Map<string, { count: number; frames: RawFrame[] }>;
}

/**
 * Counts what the thread creates, for a moment: promises, and other async resources with a sample of their creation
 * sites. Nothing is hooked before `start` and after `stop`.
 *
 * Both happen between two microtasks. Node loses count of its hooks if one is removed while hooks are
 * running, and an interrupt may come at such a time: on Node 20 promises would then be tracked forever.
 */
export function createHooks(
  tapTracking: (tap: Tap | null) => boolean,
): Pick<ThreadApi, 'startHooks' | 'stopHooks'> & { counts(): HookCounts | null } {
  let running: Counting | null = null;
  const stop = (): void => atNextTurn(() => running?.stop());
  return {
    startHooks(tapOnly) {
      stop();
      atNextTurn(
        guarded(sensor, () => {
          running = null;
          const counting = new Counting(stop, tapTracking);
          if (counting.start(tapOnly)) running = counting;
        }),
      );
    },
    stopHooks: stop,
    counts: () => running?.counts() ?? null,
  };
}

/** Counts what is created from now on, for `HOOKS_MS` at most. */
class Counting {
  readonly #askToStop: () => void;
  readonly #startMs = monotonicMs();
  readonly #startCpu = processCpu();
  readonly #types = new NativeMap<string, TypeCount>();
  readonly #tapTracking: (tap: Tap | null) => boolean;
  /** Removes the hooks. */
  #unhook = (): void => {};
  #promises = 0;
  #events = 0;
  #sitesTaken = 0;
  #counting = true;
  #result: HookCounts | null = null;

  constructor(askToStop: () => void, tapTracking: (tap: Tap | null) => boolean) {
    this.#askToStop = askToStop;
    this.#tapTracking = tapTracking;
  }

  /** False where there are no hooks to look through, and none are to be put in. */
  start(tapOnly: boolean): boolean {
    const isTapped = this.#tapTracking({ onPromise: this.#onPromise, onResource: this.#onResource });
    if (isTapped) this.#unhook = () => void this.#tapTracking(null);
    else if (!tapOnly) this.#unhook = this.#hook();
    return isTapped || !tapOnly;
  }

  stop(): void {
    this.#unhook();
    if (this.#counting) this.#close();
  }

  /** Null until it has stopped. */
  counts(): HookCounts | null {
    return this.#result;
  }

  /** V8's own hook of promises goes in before the other one, which on Node 20 puts it back as it finds it, and out after it. */
  #hook(): () => void {
    const stopPromises = hookPromises({ init: this.#onPromise });
    const { disable } = hookWithoutPromises({
      init: (_asyncId, type) => {
        if (!enterInit()) return;
        if (type !== 'PROMISE') this.#onResource(type);
        inits.words[inits.at]! += 1;
      },
    });
    return () => {
      disable();
      stopPromises();
    };
  }

  readonly #onPromise = (): void => {
    if (!this.#counting) return;
    try {
      if (isOff(sensor)) return;
      this.#promises++;
      this.#onEvent();
    } catch (error) {
      sensor.caught = { error };
    }
  };

  readonly #onResource = (type: string): void => {
    if (!this.#counting) return;
    try {
      if (isOff(sensor)) return;
      this.#onEvent();
      this.#countResource(type);
    } catch (error) {
      sensor.caught = { error };
    }
  };

  #onEvent(): void {
    if (++this.#events % CLOCK_STRIDE !== 0 || monotonicMs() - this.#startMs <= HOOKS_MS) return;
    this.#close();
    this.#askToStop();
  }

  #close(): void {
    this.#counting = false;
    const { user, system } = processCpu(this.#startCpu);
    const resources = [...this.#types.values()].map(({ sites, ...rest }) => ({ ...rest, sites: [...sites.values()] }));
    const wallMs = monotonicMs() - this.#startMs;
    this.#result = { wallMs, cpuMs: (user + system) / 1000, promises: this.#promises, resources };
  }

  #countResource(type: string): void {
    let entry = this.#types.get(type);
    if (!entry) {
      if (this.#types.size >= MAX_DISTINCT) return;
      entry = { type, count: 0, sites: new NativeMap() };
      this.#types.set(type, entry);
    }
    const nth = entry.count++;
    if (this.#sitesTaken >= MAX_SITES || (nth >= FIRST_SITES && nth % SITE_STRIDE !== 0)) return;
    this.#sitesTaken++;
    addSite(entry);
  }
}

function addSite({ sites }: TypeCount): void {
  const frames = callSites(SITE_FRAMES + OWN_FRAMES);
  let key = '';
  for (const [, url, line, column] of frames) if (url && !url.startsWith('node:')) key += `${url}:${line}:${column} `;
  const site = sites.get(key);
  if (site) site.count++;
  else if (sites.size < MAX_DISTINCT) sites.set(key, { count: 1, frames });
}
