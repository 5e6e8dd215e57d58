import { type DeepSampleRow, type Location, type ProgramHooks, rowsOf, type View } from '../../recording/types.ts';
import { formatCount, plural } from '../../util/text.ts';
import { perSecond, SECOND_ROWS, secondsOf, totalMs, waitingIn } from '../busy-time.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf, fragments } from '../finding.ts';
import { type HookTime, hookTimeOf } from '../hook-time.ts';
import { BUSY_MS } from '../limits.ts';
import { percent, round, secondsText } from '../severity.ts';
import type { Detector, Finding } from '../types.ts';

/** Of the time in which the thread works: a server that makes 42 promises a request loses as much to a hook with `init` and `destroy`. */
const HOOK_SHARE = 0.25;
/** More than what passes a context on takes of a saturated server: 29 % of it on Node 20, with all four callbacks. */
const WARNING_SHARE = 0.4;
/** From here on it is the reason why the loop is full. */
const MAIN_SHARE = 0.5;
/** A framework has up to six, and each tool that traces one more. */
const MANY_STORAGES = 16;
/** With fewer stacks of a thread that works, a share says little. */
const LEAST_STACKS = 20;

export interface HooksEvidence {
  /** Of the stacks of a thread that works. 0..1 */
  share: number;
  stacks: number;
  busyMs: number;
  /** Promises that ran through them; absent where nobody counted. */
  promisesPerSecond?: number;
  /** storages: instances in use at last, and at first. */
  storages?: number;
  storagesBefore?: number;
  /** hook: its callbacks, and the package that put it in. */
  callbacks?: string[];
  package?: string;
}

const READS = [...SECOND_ROWS, 'deep-sample'] as const;
type Seen = View<(typeof READS)[number]>;

const HOOK_REMEDY =
  'Enable the hook only while somebody reads what it collects; use AsyncLocalStorage where it carries context. If it must stay: without `destroy`, ' +
  'with `trackPromises: false` where promises do not matter (Node 24 and later), and with nothing in its callbacks that can be done later.';
const STORAGE_REMEDY =
  'Make one AsyncLocalStorage when the module loads, and `run` it with another store each time. Call `disable()` on one that is no longer needed: before version 24 Node never forgets it. ' +
  'From there on they cost nothing while they are not read.';

export const costlyAsyncHooks: Detector<HooksEvidence, typeof READS> = {
  id: 'costly-async-hooks',
  title: 'costly async hooks',
  description:
    'Each promise and each callback runs through async hooks, and that takes a good part of what the thread does. They are hooks that the ' +
    'program, or a package, has put in (`async_hooks.createHook`), or very many instances of AsyncLocalStorage, which ' +
    'Node carries by such a hook before Node 24. The time is measured in deep samples; who enabled them was seen when it happened. Those of evdiag do not count.',
  remedy: HOOK_REMEDY,
  reads: READS,
  needs: ['deep-sample'],
  thresholds: [
    `hook: hooks of the program are at the top of ${percent(HOOK_SHARE)} of the stacks of a thread that works.`,
    `storages: the same for AsyncLocalStorage, while ${MANY_STORAGES} instances or more are in use.`,
    `warning: if they are at the top of ${percent(WARNING_SHARE)} of the stacks, and the loop had almost no idle time for ${BUSY_MS} ms in total, while servers, sockets or timers waited; otherwise info.`,
  ],
  limits: [
    `A few instances of AsyncLocalStorage are not reported, whatever they take: fewer than ${MANY_STORAGES} are what frameworks and tracers need.`,
    'The line of a hook that was enabled before evdiag came into the process is not known: then its callback is the place.',
    'What V8 does for hooks without running JavaScript is not seen: they cost more than the share says.',
  ],
  kinds: [
    {
      kind: 'hook',
      title: 'a hook that runs for each promise',
      remedy: HOOK_REMEDY,
      example:
        'createHook({ init(id) { seen.set(id, new Error().stack); }, destroy(id) { seen.delete(id); } }).enable(); // always\nif (process.env.TRACE_ASYNC) hook.enable();                                                          // when wanted',
    },
    {
      kind: 'storages',
      title: 'many instances of AsyncLocalStorage',
      remedy: STORAGE_REMEDY,
      example:
        'new AsyncLocalStorage().run({ attempt }, work);                  // one more each time, for good\ncontext.run({ attempt }, work);                                  // one for the module',
    },
  ],
  detect(recording) {
    const deepSamples = rowsOf(recording, 'deep-sample');
    const time = hookTimeOf(deepSamples);
    if (time.stacks < LEAST_STACKS) return [];
    return [...hooksIn(recording, deepSamples, time), ...storagesIn(recording, deepSamples, time)];
  },
  explains: [
    { rule: 'overloaded-event-loop', share: 'nothing', ofMinor: false },
    { rule: 'starved-event-loop', share: 'nothing', ofMinor: false },
    { rule: 'task-switch-churn', share: 'nothing', ofMinor: false },
    { rule: 'memory-churn', of: ['storages'], share: 'nothing', ofMinor: false },
    { rule: 'gc-pressure', of: ['storages'], share: 'nothing', ofMinor: false },
  ],
  minor: (all) =>
    new Set(
      all.filter(
        ({ rule, evidence }) => rule === 'costly-async-hooks' && (evidence as HooksEvidence).share < MAIN_SHARE,
      ),
    ),
  words: ({ share, stacks, promisesPerSecond, storages, callbacks }) =>
    fragments(
      `${percent(share)} of ${plural(stacks, 'stack')}`,
      storages !== undefined && `${formatCount(storages)} in use`,
      callbacks !== undefined &&
        callbacks.length > 0 &&
        `${plural(callbacks.length, 'callback')}: ${callbacks.join(', ')}`,
      promisesPerSecond !== undefined && `${formatCount(promisesPerSecond)} promises a second`,
    ),
};

function hooksIn(recording: Seen, deepSamples: readonly DeepSampleRow[], time: HookTime): Finding<HooksEvidence>[] {
  const share = time.hooks / time.stacks;
  const [callback] = time.callbacks;
  if (share < HOOK_SHARE || !callback) return [];
  const hook = enabledBy(deepSamples, callback.location);
  const owner = hook?.package ?? callback.package ?? undefined;
  const place = hook?.location ?? callback.location;
  const what = owner === undefined ? 'An async hook' : `An async hook of ${owner}`;
  const where = hook?.location ? enabledText(place) : ` (${nameOf(callback.location)})`;
  return [
    toFinding(recording, deepSamples, 'hook', {
      message: `${what}${where} takes ${percent(share)} of the time in which the thread works: it runs for ${runsFor(hook)}.`,
      location: place,
      stack: [callback.location],
      share,
      stacks: time.stacks,
      about: {
        ...(hook && { callbacks: hook.callbacks }),
        ...(owner !== undefined && { package: owner }),
      },
    }),
  ];
}

function enabledText({ function: name }: Location): string {
  return name === '' ? '' : `, enabled in ${name},`;
}

type Hook = ProgramHooks['hooks'][number];

/** The hook that was enabled nearest to its callback: there is hardly ever more than one. */
function enabledBy(deepSamples: readonly DeepSampleRow[], { file }: Location): Hook | null {
  const hooks = deepSamples.at(-1)?.programHooks?.hooks ?? [];
  const owner = hooks.find(({ location }) => location?.file === file);
  return owner ?? (hooks.length === 1 ? hooks[0]! : null);
}

function runsFor(hook: Hook | null): string {
  return hook && !hook.promises ? 'each callback' : 'each promise and each callback';
}

function storagesIn(recording: Seen, deepSamples: readonly DeepSampleRow[], time: HookTime): Finding<HooksEvidence>[] {
  const share = time.storages / time.stacks;
  const counts = deepSamples.map(({ programHooks, startMs }) => ({ count: programHooks?.storages ?? 0, startMs }));
  const [first, last] = [counts[0]!, counts.at(-1)!];
  if (share < HOOK_SHARE || last.count < MANY_STORAGES) return [];
  const sites = deepSamples.at(-1)?.programHooks?.storageSites ?? [];
  const place = sites.find(({ location }) => location !== null)?.location ?? null;
  const more = last.count - first.count;
  const grown =
    more > 0 ? ` (${formatCount(more)} more than ${secondsText(last.startMs - first.startMs)} earlier)` : '';
  const by = place ? `, most of them begun in ${nameOf(place)}` : '';
  return [
    toFinding(recording, deepSamples, 'storages', {
      message: `${formatCount(last.count)} instances of AsyncLocalStorage are in use${grown}${by}: carrying them takes ${percent(share)} of the time in which the thread works, as each promise and each callback gets all of them.`,
      location: place,
      stack: place ? [place] : [],
      share,
      stacks: time.stacks,
      about: { storages: last.count, storagesBefore: first.count },
    }),
  ];
}

interface Found {
  message: string;
  location: Location | null;
  stack: Location[];
  share: number;
  stacks: number;
  about: Partial<HooksEvidence>;
}

function toFinding(
  recording: Seen,
  deepSamples: readonly DeepSampleRow[],
  kind: 'hook' | 'storages',
  { message, location, stack, share, stacks, about }: Found,
): Finding<HooksEvidence> {
  const busyMs = totalMs(secondsOf(recording).filter(({ busy }) => busy));
  const counted = deepSamples.findLast(({ created }) => created !== null && created.promises > 0)?.created;
  return findingOf(costlyAsyncHooks, {
    kind,
    severity: share >= WARNING_SHARE && busyMs >= BUSY_MS && waitingIn(recording, deepSamples) > 0 ? 'warning' : 'info',
    message,
    location,
    stack,
    count: Math.round(share * stacks),
    confidence: location ? CONFIDENCE.agreeing : CONFIDENCE.indirect,
    evidence: {
      share: round(share, 3),
      stacks,
      busyMs: round(busyMs),
      ...(counted && { promisesPerSecond: Math.round(perSecond(counted.promises, counted.wallMs)) }),
      ...about,
    },
    lostMs: busyMs * share,
  });
}
