import { type AsyncHook, createHook, type HookCallbacks } from 'node:async_hooks';
import type { HookCounts, ThreadApi } from '../../src/protocol/thread-api.ts';
import { createSensor, guarded, isOff } from '../guard.ts';
import { assign, getOwnPropertySymbols, monotonicMs, NativeMap, process } from '../primordials.ts';
import { hookPromises } from '../promise-hooks.ts';
import type { RawFrame } from '../shared-memory.ts';
import { atNextTurn } from './microtask-turns.ts';
import { callSites } from './stack.ts';
import type { Tap } from './tracking/tracking.ts';

/** The hooks go by themselves after this time: on awaits they cost 1.4 times (Node 20: 2.5 times) while they are there. */
const HOOKS_MS = 150;
/** The clock is read once in so many events: a loop of awaits makes millions, and lets no timer in. */
const CLOCK_STRIDE = 256;
/** Frames kept of a creation site. */
const SITE_FRAMES = 16;
/** Creation sites taken in one look: each costs 10–20 µs. */
const MAX_SITES = 120;
/** The first of each type, then one in so many: by then it is a storm. */
const FIRST_SITES = 16;
const SITE_STRIDE = 61;
/** Distinct sites and types kept. */
const MAX_DISTINCT = 24;

const sensor = createSensor('the hooks of looks');

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
 * Both are carried out between two microtasks. Node loses count of its hooks where one is taken away while hooks are
 * running, and an interrupt may well come then: on Node 20 promises would be tracked for ever after.
 */
export function createHooks(
  tapTracking: (tap: Tap | null) => boolean,
): Pick<ThreadApi, 'startHooks' | 'stopHooks'> & { counts(): HookCounts | null } {
  let running: ReturnType<typeof begin> | null = null;
  const stop = (): void => atNextTurn(() => running?.stop());
  return {
    startHooks() {
      stop();
      atNextTurn(
        guarded(sensor, () => {
          running = begin(stop, tapTracking);
        }),
      );
    },
    stopHooks: stop,
    counts: () => running?.counts() ?? null,
  };
}

function begin(
  askToStop: () => void,
  tapTracking: (tap: Tap | null) => boolean,
): { stop(): void; counts(): HookCounts | null } {
  const types = new NativeMap<string, TypeCount>();
  let promises = 0;
  let events = 0;
  let sitesTaken = 0;
  let counting = true;
  let result: HookCounts | null = null;
  const startMs = monotonicMs();
  const startCpu = processCpu();

  const close = (): void => {
    counting = false;
    const { user, system } = processCpu(startCpu);
    const resources = [...types.values()].map(({ sites, ...rest }) => ({ ...rest, sites: [...sites.values()] }));
    result = { wallMs: monotonicMs() - startMs, cpuMs: (user + system) / 1000, promises, resources };
  };
  const onEvent = (): void => {
    if (++events % CLOCK_STRIDE !== 0 || monotonicMs() - startMs <= HOOKS_MS) return;
    close();
    askToStop();
  };
  const onPromise = (): void => {
    if (!counting) return;
    try {
      if (isOff(sensor)) return;
      promises++;
      onEvent();
    } catch (error) {
      sensor.caught = { error };
    }
  };
  const onResource = (type: string): void => {
    if (!counting) return;
    try {
      if (isOff(sensor)) return;
      onEvent();
      countResource(type);
    } catch (error) {
      sensor.caught = { error };
    }
  };
  const countResource = (type: string): void => {
    let entry = types.get(type);
    if (!entry) {
      if (types.size >= MAX_DISTINCT) return;
      entry = { type, count: 0, sites: new NativeMap() };
      types.set(type, entry);
    }
    const nth = entry.count++;
    if (sitesTaken >= MAX_SITES || (nth >= FIRST_SITES && nth % SITE_STRIDE !== 0)) return;
    sitesTaken++;
    addSite(entry);
  };

  if (tapTracking({ onPromise, onResource })) {
    return {
      stop() {
        tapTracking(null);
        if (counting) close();
      },
      counts: () => result,
    };
  }
  const { hook, seesPromises } = createResourceHook((type) => (type === 'PROMISE' ? onPromise() : onResource(type)));
  hook.enable();
  const stopPromises = seesPromises ? () => {} : hookPromises({ init: onPromise });
  return {
    stop() {
      hook.disable();
      stopPromises();
      if (counting) close();
    },
    counts: () => result,
  };
}

function addSite({ sites }: TypeCount): void {
  const frames = callSites(SITE_FRAMES);
  let key = '';
  for (const [, url, line, column] of frames) if (url && !url.startsWith('node:')) key += `${url}:${line}:${column} `;
  const site = sites.get(key);
  if (site) site.count++;
  else if (sites.size < MAX_DISTINCT) sites.set(key, { count: 1, frames });
}

/**
 * An async hook that is not called for promises, where the Node version has a way: an option (24), or an own symbol
 * of the hook (22). Node 20 has none, so that there the one hook sees both.
 */
function createResourceHook(init: (type: string) => void): { hook: AsyncHook; seesPromises: boolean } {
  const options = { init: (_asyncId: number, type: string) => init(type), trackPromises: false };
  const hook = createHook(options as HookCallbacks);
  const symbol = getOwnPropertySymbols(hook).find(({ description }) => description?.includes('NoPromiseHook'));
  if (symbol) assign(hook, { [symbol]: true });
  return { hook, seesPromises: symbol === undefined };
}
