import { functionKey } from '../../recording/places.ts';
import { type DeepSampleRow, rowsOf } from '../../recording/types.ts';
import { groupBy } from '../../util/group-by.ts';
import { plural } from '../../util/text.ts';
import { waitingIn } from '../busy-time.ts';
import { functionSubject } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { KEEPS_MEMORY } from '../heap-growth.ts';
import { CALL_KINDS } from '../stall-kinds.ts';
import type { Detector, Severity } from '../types.ts';

/** No recursion is meant to be this deep; Node's stack ends near 11 000 frames. */
const DEEP_FRAMES = 1000;

export interface DeepChainEvidence {
  /** Levels of one function. */
  depth: number;
  /** Of the whole stack. */
  frames: number;
}

const READS = ['active-resources', 'deep-sample'] as const;

export const deepAsyncChain: Detector<DeepChainEvidence, typeof READS> = {
  id: 'deep-async-chain',
  title: 'deep chain of calls',
  description:
    `A function calls or awaits itself ${DEEP_FRAMES} levels deep or more. Each level of an async function keeps a promise, a context ` +
    'and a reaction until the innermost one settles; each level of a synchronous function brings the stack closer to its limit.',
  remedy: 'Turn the recursion into a loop, or put what is left to do into a queue.',
  reads: READS,
  needs: ['deep-sample'],
  thresholds: [
    `warning: ${DEEP_FRAMES} frames of one function on the stack or awaiting it, where servers, sockets or timers waited.`,
  ],
  limits: ['Seen only while a deep sample runs; mutual recursion of several functions counts for each function alone.'],
  kinds: [
    {
      kind: 'async',
      title: 'an async function that awaits itself',
      remedy: 'Turn the recursion into a loop: `while (next) next = await step(next)`.',
      example:
        'async function walk(node) { await visit(node); if (node.next) await walk(node.next); } // a promise per level\nfor (let node = first; node; node = node.next) await visit(node);                       // one',
    },
    {
      kind: 'callbacks',
      title: 'callbacks that call each other on one stack',
      remedy: 'Turn the recursion into a loop, or call the next step from a queue.',
      example:
        'const next = (i) => done(i) || step(i, () => next(i + 1)); // RangeError one day\nfor (let i = 0; !done(i); i++) stepNow(i);',
    },
  ],
  detect(recording) {
    const all = rowsOf(recording, 'deep-sample');
    if (all.every(({ samples }) => samples === 0)) return { noData: 'no deep sample took a stack' };
    const deepSamples = all.filter(({ deepest }) => (deepest?.repeated ?? 0) >= DEEP_FRAMES);
    const byFunction = groupBy(deepSamples, (deepSample) => functionKey(deepSample.deepest!.location));
    return [...byFunction.values()].map((group) => {
      const worst = group.reduce((a, b) => (b.deepest!.repeated > a.deepest!.repeated ? b : a)).deepest!;
      const kind = group.some(isAsync) ? 'async' : 'callbacks';
      const severity: Severity = waitingIn(recording, group) > 0 ? 'warning' : 'info';
      return findingOf(deepAsyncChain, {
        severity,
        lostMs: worst.repeated,
        kind,
        message: `${functionSubject(worst.location)} ${kind === 'async' ? 'awaited' : 'called'} itself ${worst.repeated} levels deep.`,
        location: worst.location,
        stack: [worst.location],
        count: group.length,
        confidence: CONFIDENCE.counted,
        evidence: { depth: worst.repeated, frames: worst.frames },
      });
    });
  },
  explains: [
    { rule: 'timer-storm' },
    { rule: 'blocked-event-loop', kinds: CALL_KINDS },
    { rule: 'growing-pending-async', alone: true },
    { rule: 'stuck-async', alone: true },
    ...KEEPS_MEMORY,
  ],
  words: ({ depth, frames }) => [`${depth} levels`, `a stack of ${plural(frames, 'frame')}`],
};

/** On its way down, an async function is on the stack like any other: then its promises show that it is async. */
function isAsync({ deepest, stacks, created }: DeepSampleRow): boolean {
  if (!deepest) return false;
  const key = functionKey(deepest.location);
  const awaits = stacks.some(({ frames }) => frames.some((frame) => frame.awaits && functionKey(frame) === key));
  return deepest.awaits || awaits || (created?.promises ?? 0) > deepest.repeated;
}
