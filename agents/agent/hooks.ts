import { type AsyncHook, createHook, type HookCallbacks } from 'node:async_hooks';
import type { HookCounts, ThreadApi } from '../../src/protocol/thread-api.ts';
import { createSensor, guarded, isOff } from '../guard.ts';
import { assign, getOwnPropertySymbols, monotonicMs, NativeMap, process } from '../primordials.ts';
import { hookPromises } from '../promise-hooks.ts';
import type { RawFrame } from '../shared-memory.ts';
import { atNextTurn } from './microtask-turns.ts';
import { disableHook, enableHook, enterInit, inits } from './own-hooks.ts';
import { callSites, OWN_FRAMES } from './stack.ts';
import type { Tap } from './tracking/tracking.ts';

/** The hooks remove themselves after this time: with them, awaits cost 1.4 times as much (Node 20: 2.5 times). */
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

  #hook(): () => void {
    const init = (type: string): void => (type === 'PROMISE' ? this.#onPromise() : this.#onResource(type));
    const { hook, seesPromises } = createResourceHook((type) => {
      if (!enterInit()) return;
      init(type);
      inits.words[inits.at]! += 1;
    });
    enableHook(hook);
    const stopPromises = seesPromises ? () => {} : hookPromises({ init: this.#onPromise });
    return () => {
      disableHook(hook);
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

/**
 * An async hook that is not called for promises, if the Node version has one: an option (24), or an own symbol
 * of the hook (22). Node 20 has none, so there a single hook sees both.
 */
function createResourceHook(init: (type: string) => void): { hook: AsyncHook; seesPromises: boolean } {
  const options = { init: (_asyncId: number, type: string) => init(type), trackPromises: false };
  const hook = createHook(options as HookCallbacks);
  const symbol = getOwnPropertySymbols(hook).find(({ description }) => description?.includes('NoPromiseHook'));
  if (symbol) assign(hook, { [symbol]: true });
  return { hook, seesPromises: symbol === undefined };
}
