import { type Recording, rowsOf } from '../recording/types.ts';
import { plural } from '../util/text.ts';
import { growthOf } from './growth.ts';
import { findingOf, nameOf, onePerLine, secondsText } from './place-findings.ts';
import type { Detector, Finding } from './types.ts';
import { lineKey, type Period, type Place, periodsOf, placesOf } from './unfinished.ts';

/** A few at start-up (`main();`) are how programs begin. */
const TOLD_CALLS = 5;
/** Nobody awaits them, and they do not end: work without a bound. */
const PILED_CALLS = 100;

export const floatingPromises: Detector = {
  id: 'floating-promises',
  title: 'floating promises',
  description:
    'An async function is called and nothing ever looks at its promise: no await, no then, no catch. Its caller goes on before it has ' +
    'ended, and its error goes to nobody. A call written `void f()` is meant to be so and left out.',
  remedy:
    'Await the call, or return its promise; where it is meant to run on, say `void` and handle its errors with `catch`.',
  needs: ['unfinished'],
  thresholds: [
    `warning: a floating promise that was rejected, or ${PILED_CALLS} floating calls of one place that are alive and grow in number.`,
    `info: ${TOLD_CALLS} floating calls of one place.`,
  ],
  kinds: [
    {
      kind: 'floating',
      title: 'calls that nobody awaits',
      remedy:
        'Await the call, or return its promise; where it is meant to run on, say `void` and handle its errors with `catch`.',
      example:
        'save(order);                            // and if it fails?\nawait save(order);                      // the caller knows\nvoid save(order).catch(reportError);    // meant to run on',
    },
  ],
  detect(recording) {
    const rejected = rejectedCalls(recording);
    return onePerLine(periodsOf(recording).flatMap((period) => floating(period, rejected)));
  },
};

/** Unhandled rejections by the line of the call, where that was followed. */
function rejectedCalls(recording: Recording): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { call, count } of rowsOf(recording, 'rejection')) {
    if (call !== null) counts.set(lineKey(call), (counts.get(lineKey(call)) ?? 0) + count);
  }
  return counts;
}

function floating(period: Period, rejections: Map<string, number>): Finding[] {
  return placesOf(period, 'call').flatMap((place) => {
    const { floating: count, alive } = place.last.entry;
    const rejected = Math.max(place.last.entry.rejected, rejections.get(lineKey(place.location)) ?? 0);
    const isPiled = alive >= PILED_CALLS && count >= PILED_CALLS && growthOf(place, PILED_CALLS) !== null;
    if (count === 0 || (count < TOLD_CALLS && rejected === 0)) return [];
    return [toFinding(place, count, rejected, isPiled)];
  });
}

function toFinding(place: Place, count: number, rejected: number, isPiled: boolean): Finding {
  const { entry, trackedMs } = place.last;
  const failed = rejected > 0 ? `, and rejected ${plural(rejected, 'time')}` : '';
  const piled = isPiled ? `, and ${entry.alive} of them have not ended` : '';
  return findingOf(floatingPromises, {
    kind: 'floating',
    severity: rejected > 0 || isPiled ? 'warning' : 'info',
    message: `Nobody awaited what ${nameOf(place.location)} called here ${plural(count, 'time')} in ${secondsText(trackedMs)}${failed}${piled}.`,
    place,
    count,
    confidence: 0.8,
    evidence: { floating: count, rejected, created: entry.created, ended: entry.ended, alive: entry.alive },
  });
}
