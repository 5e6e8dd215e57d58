import { runInThisContext } from 'node:vm';
import { threadId } from 'node:worker_threads';
import { AGENT_NAME, type ThreadApi } from '../../src/protocol/thread-api.ts';
import { attempt, createSensor, failures, guarded, isOff, messageOf, type Sensor } from '../guard.ts';
import { createDebuggerUrl } from '../inspection.ts';
import { assign, clearInterval, monotonicMs, process, setInterval, setTimeout, store, toJson } from '../primordials.ts';
import { samplers } from '../samplers/index.ts';
import type { DelayHistogram, RunningSampler, Sample, Sampler, SamplerContext } from '../samplers/types.ts';
import { createSharedMemory, type SharedMemory, Sum, Word } from '../shared-memory.ts';
import type { ThreadGate } from '../thread-gate.ts';
import type { RawTracked } from '../tracked.ts';
import type { SampleMessage } from '../watchdog/types.ts';
import { createDumpApi } from './dump-api.ts';
import { createHooks } from './hooks.ts';
import { createLoadedMaps } from './loaded-maps.ts';
import { markOwn } from './own-resources.ts';
import { shortIntervals, watchShortIntervals } from './short-intervals.ts';
import { interruptedStack, recentStack } from './stack.ts';
import { markSyncCalls } from './sync-calls.ts';
import { followTerminations } from './terminations.ts';
import { createTraceApi } from './tracing/trace-api.ts';
import { createTracking, type Tracking } from './tracking/tracking.ts';
import { renewVeil } from './unseen-listeners.ts';

/** How often the samplers of an observed thread are read. */
const SAMPLE_INTERVAL_MS = 1000;
/** The first look at a new thread: a stall in its first second is to be judged too. */
const FIRST_SAMPLE_MS = 100;

/**
 * Node 20: whoever puts in or takes away a hook of promises brings back those that tracking has put aside, and from
 * then on each await would cost ten times as much. So tracking and the hooks of looks rest while a capture has its own.
 */
const HOOKS_INTERFERE = process.version.startsWith('v20.');

const startTimer = setInterval;
const stopTimer = clearInterval;
const startTimeout = setTimeout;

/**
 * Starts what runs in an observed thread, main or worker: samplers, marks of synchronous calls, and the API through
 * which the watchdog asks. `post` sends the rows to the watchdog; when it returns false, all of it stops.
 */
export function observeThisThread(
  histogram: DelayHistogram,
  diagnose: boolean,
  gate: ThreadGate | null,
  post: (message: SampleMessage) => boolean,
  complain: (message: string) => void,
): { shared: SharedMemory; atExit(): void } {
  const begin = monotonicMs();
  const shared = createSharedMemory();
  const debuggerUrl = createDebuggerUrl();
  shared.control[Word.Diagnose] = diagnose ? 1 : 0;
  store(shared.control, Word.Debugger, debuggerUrl() ? 1 : 0);
  const active = createSamplerSet(samplerContext(shared, histogram), complain);
  const tracking = createTracking();
  let capturing = false;
  const follow = (): void => {
    const diagnosing = shared.control[Word.Diagnose] === 1;
    active.follow(diagnosing);
    tracking.follow(!capturing && (diagnosing || shared.control[Word.Track] === 1));
  };
  const readTracked = (final: boolean): RawTracked | null => {
    try {
      return tracking.read(final);
    } catch (error) {
      // Nothing of it may end the timer.
      tracking.sensor.caught = { error };
      return null;
    }
  };
  follow();

  const markLoaded = markSyncCalls(
    shared,
    gate,
    (addOnCalls) => void post({ rows: [], tracked: null, mainThreadMs: 0, addOnCalls }),
  );
  if (gate) followTerminations(gate);
  let ownMs = 0;
  const marking = createSensor('the marks of what was loaded');
  const mark = guarded(marking, markLoaded);
  const following = createSensor('following the level', true);
  const sampling = createSensor('sampling', true);
  const sample = guarded(sampling, () => {
    const from = monotonicMs();
    mark();
    renewVeil(process);
    store(shared.control, Word.Debugger, debuggerUrl() ? 1 : 0);
    attempt(following, follow);
    const rows = active.read();
    addFailures(rows);
    if (!post({ rows, tracked: readTracked(false), mainThreadMs: ownMs })) {
      stopTimer(timer);
      active.stop();
      tracking.follow(false);
    }
    ownMs = monotonicMs() - from;
  });
  const timer = markOwn(startTimer(sample, SAMPLE_INTERVAL_MS).unref());
  markOwn(startTimeout(sample, FIRST_SAMPLE_MS).unref());

  watchShortIntervals();
  const hooks = createHooks(tracking.tap);
  let withoutHooks = false;
  const loadedMaps = createLoadedMaps((maps) => void post({ rows: [], tracked: null, mainThreadMs: 0, maps }));
  const traceApi = createTraceApi({
    post: (trace) => void post({ rows: [], tracked: null, mainThreadMs: 0, trace }),
    onCapturing(now) {
      capturing = now && HOOKS_INTERFERE;
      if (capturing) hooks.stopHooks();
      follow();
    },
  });
  publish(shared, histogram, begin, tracking, {
    ...traceApi,
    wantMaps: loadedMaps.wantMaps,
    startHooks() {
      withoutHooks = capturing;
      if (!capturing) hooks.startHooks();
    },
    stopHooks: hooks.stopHooks,
    hookCounts: () => toJson(withoutHooks ? null : hooks.counts()),
  });
  return {
    shared,
    /** The last word of the thread: what it leaves unfinished. */
    atExit: guarded(sampling, () => {
      loadedMaps.atExit();
      const tracked = readTracked(true);
      const rows: Sample[] = [];
      addFailures(rows);
      if (tracked || rows.length > 0) post({ rows, tracked, mainThreadMs: 0 });
    }),
  };
}

interface Running {
  sampler: Sampler;
  sensor: Sensor;
  started: RunningSampler | null;
}

function addFailures(rows: Sample[]): void {
  const messages = failures();
  for (let i = 0; i < messages.length; i++) rows[rows.length] = { type: 'agent-error', message: messages[i]! };
}

/** The samplers of the level; one that fails is named, and the others go on. */
function createSamplerSet(context: SamplerContext, complain: (message: string) => void) {
  const running: Running[] = [];
  for (let i = 0; i < samplers.length; i++) {
    const sampler = samplers[i]!;
    if (sampler.thread === 'observed')
      running[running.length] = { sampler, sensor: createSensor(`the sampler ${sampler.id}`), started: null };
  }
  const stop = (one: Running): void => {
    const { started } = one;
    one.started = null;
    if (started) attempt(one.sensor, () => started.stop());
  };
  const start = (one: Running): void => {
    try {
      one.started = one.sampler.start(context);
    } catch (error) {
      complain(`the sampler ${one.sampler.id} could not start: ${messageOf(error)}`);
    }
  };
  let level: boolean | null = null;
  return {
    /** Starts and stops what the level asks for. */
    follow(diagnose: boolean): void {
      if (level === diagnose) return;
      level = diagnose;
      for (let i = 0; i < running.length; i++) {
        const one = running[i]!;
        const wanted = diagnose || one.sampler.level === 'watch';
        if (wanted && !one.started) start(one);
        else if (!wanted) stop(one);
      }
    },
    read(): Sample[] {
      const rows: Sample[] = [];
      for (let i = 0; i < running.length; i++) {
        const { sensor, started } = running[i]!;
        try {
          const row = started && !isOff(sensor) ? started.read() : null;
          if (row) rows[rows.length] = row;
        } catch (error) {
          sensor.caught = { error };
        }
      }
      return rows;
    },
    stop(): void {
      for (let i = 0; i < running.length; i++) stop(running[i]!);
    },
  };
}

function samplerContext({ numbers }: SharedMemory, histogram: DelayHistogram): SamplerContext {
  return {
    histogram,
    addGcMs(ms) {
      numbers[Sum.GcMs]! += ms;
    },
    heartbeatMaxMs: () => 0,
    observedThread: () => null,
    cpuLimit: () => null,
    ownCost: () => ({ mainThreadMs: 0, watchdogMs: null, stacks: 0, recordingBytes: 0 }),
  };
}

function publish(
  shared: SharedMemory,
  histogram: { count: number },
  begin: number,
  tracking: Tracking,
  others: Pick<ThreadApi, 'startHooks' | 'stopHooks' | 'hookCounts' | 'beginTrace' | 'endTrace' | 'wantMaps'>,
): void {
  const counted = <Text extends string>(take: () => Text): Text => {
    const from = monotonicMs();
    const text = take();
    shared.control[Word.StackCount]!++;
    shared.numbers[Sum.StackMs]! += monotonicMs() - from;
    return text;
  };
  const api: ThreadApi = {
    stack: (question) => counted(() => interruptedStack(histogram.count, question)),
    recent: () => counted(recentStack),
    shortIntervals: () => toJson(shortIntervals()),
    handleSites: () => toJson(tracking.handleSites()),
    ...createDumpApi(shared),
    ...others,
  };
  // The histogram is held here: collected, its timer would end and the heartbeat with it.
  const parts = { threadId, preloadMs: monotonicMs() - begin, histogram };
  assign(runInThisContext(`const ${AGENT_NAME} = {}; ${AGENT_NAME}`) as object, api, parts);
}
