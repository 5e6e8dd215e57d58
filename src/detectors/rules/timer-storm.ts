import { rowsOf } from '../../recording/types.ts';
import { maxOf } from '../../util/numbers.ts';
import { formatCount, plural } from '../../util/text.ts';
import { isTimerStorm, perSecond, resource, STORM_TIMERS_PER_SECOND } from '../busy-time.ts';
import { nameOf } from '../code-words.ts';
import { CONFIDENCE } from '../confidence.ts';
import { findingOf } from '../finding.ts';
import { MANY_TIMERS } from '../limits.ts';
import { LOST_MS } from '../severity.ts';
import type { Detector } from '../types.ts';

/** Live timers in at least one reading, and this many readings (one a second) with at least `MANY_TIMERS`: fewer are a burst. */
const STORM_TIMERS = 5000;
/** Readings, one a second: fewer are a burst. */
const STORM_READINGS = 3;
/** Fifty thousand short timers keep a core from anything else. */
const CRITICAL_TIMERS = 100_000;

export interface TimerStormEvidence {
  /** Alive at once. */
  timers: number;
  timersPerSecond: number;
  /** Readings, one a second. */
  seconds: number;
}

const READS = ['active-resources', 'deep-sample'] as const;

export const timerStorm: Detector<TimerStormEvidence, typeof READS> = {
  id: 'timer-storm',
  title: 'timer storm',
  description:
    'Tens of thousands of short timers are alive and made anew all the time. Each costs an object, a list entry and a callback; ' +
    'together they fill the loop. Many long-lived timers, such as timeouts of connections, are not a storm.',
  remedy: 'Keep one timer and one queue ordered by due time, and run what is due when it fires.',
  reads: READS,
  needs: ['active-resources'],
  thresholds: [
    `warning: ${STORM_TIMERS} live timers, ${MANY_TIMERS} in ${STORM_READINGS} readings, and ${STORM_TIMERS_PER_SECOND} made per second.`,
    `critical: ${CRITICAL_TIMERS} live timers.`,
  ],
  limits: ['The line that makes them needs a deep sample.'],
  kinds: [
    {
      kind: 'timers',
      title: 'short timers',
      remedy: 'Keep one timer and one queue ordered by due time, and run what is due when it fires.',
      example:
        'for (const job of jobs) setTimeout(run, job.delayMs, job);   // a timer each\nqueue.push(...jobs); setInterval(() => runDue(queue), 10); // one timer',
    },
  ],
  detect(recording) {
    const readings = rowsOf(recording, 'active-resources').filter(({ counts }) => (counts.Timeout ?? 0) >= MANY_TIMERS);
    const deepSample = rowsOf(recording, 'deep-sample').find((row) => isTimerStorm(row, recording));
    const created = deepSample && resource(deepSample, 'Timeout');
    const alive = maxOf(readings.map(({ counts }) => counts.Timeout ?? 0));
    if (readings.length < STORM_READINGS || alive < STORM_TIMERS) return [];
    if (!deepSample?.created || !created) {
      const isCounted = rowsOf(recording, 'deep-sample').some((row) => row.created !== null && row.created.wallMs > 0);
      return isCounted ? [] : { noData: `${alive} timers were alive, but nobody counted how many are made` };
    }
    const madePerSecond = Math.round(perSecond(created.count, deepSample.created.wallMs));
    const site = created.sites.find(({ location }) => location !== null)?.location ?? null;
    const severity = alive >= CRITICAL_TIMERS ? 'critical' : 'warning';
    return [
      findingOf(timerStorm, {
        severity,
        lostMs: readings.length * LOST_MS.unit,
        kind: 'timers',
        message: `${alive} timers were alive at once, and ${madePerSecond} made per second${site ? ` in ${nameOf(site)}` : ''}.`,
        remedy: timerStorm.remedy,
        location: site,
        count: readings.length,
        confidence: site ? CONFIDENCE.counted : CONFIDENCE.indirect,
        evidence: { timers: alive, timersPerSecond: madePerSecond, seconds: readings.length },
      }),
    ];
  },
  explains: [
    { rule: 'starved-event-loop', isMinor: false },
    { rule: 'leaked-handles', alone: true },
  ],
  owns: ({ file }) => file === 'node:internal/timers',
  words: ({ timers, timersPerSecond, seconds }) => [
    `${formatCount(timers)} timers at once`,
    `${formatCount(timersPerSecond)} made a second`,
    `for ${plural(seconds, 'second')}`,
  ],
};
