/**
 * Limits that several rules share, or a rule and the watchdog's triggers. Each is written here once: rules, their texts and the
 * agent take it from here. The unit is in the name; a share is of one.
 */

/** Fewer and shorter stalls than these are info, not a warning: a cold cache, one odd request. */
export const WARNING_STALLS = 3;
/** Sentry's and N|Solid's defaults are 1000 and 200 ms; people notice an interface that hangs for a quarter of a second. */
export const WARNING_STALL_MS = 250;
/** If the call and its line are certain, a shorter stall is worth a change: N|Solid reports from 200 ms; a stall begins at half of that. */
export const SURE_STALL_MS = 150;
/** A second without an answer: health checks and gateways begin to time out. */
export const CRITICAL_STALL_MS = 1000;

/** A loop that is busy for less than this in total had a burst: two and a half readings, which come once a second. */
export const BUSY_MS = 2500;

/** Longer than people wait for an answer, and than any garbage collection or start of a program. */
export const STUCK_MS = 5000;

/** Share of the time that a thread could have run: a quarter without a core stretches all measured times by a third. */
export const CONTENTION_SHARE = 0.25;

/** One stack may be chance. */
export const INDEPENDENT_STACKS = 2;
/** Most of the time that stacks account for. */
export const MOST_SHARE = 0.5;
/** Pairs of successive stacks from different calls that make a chain. */
export const CHAIN_PAIRS = 2;

/** Live timers in a reading: more than most servers have connections. Most short ones have fired when they are counted. */
export const MANY_TIMERS = 2000;
/** Turns of the loop a second: an interval of 1 ms makes 700–1000, and nothing legitimate does that without events to serve. */
export const POLL_TURNS_PER_SECOND = 400;
/** With more events per turn, the turns have a purpose. */
export const EVENTS_PER_TURN = 0.25;

/** Readings come once a second; the nearest one is within this time. */
export const NEAR_READING_MS = 1500;

/** A long recording is judged by this many of its rows, so that a slow rise is visible. */
export const MAX_READINGS = 12;
/** One row in four may be without a rise: the load has pauses. */
export const RISING_SHARE = 0.75;

/** Threads of libuv's pool, unless UV_THREADPOOL_SIZE says otherwise. */
export const POOL_THREADS = 4;
/** What is done again and again goes on for longer: a script of less is over before anybody waits for it. */
export const LEAST_SPAN_MS = 1000;

/** Share of those alive that came meanwhile: a smaller rise is normal variation. */
export const GROWN_SHARE = 0.3;

/** Of what was started: what is missing is within what counts vary by anyway. */
export const SEEN_WHOLE = 0.9;

/** The last ones and an even choice of those before: `MAX_READINGS` or a few more. */
export function thinned<T>(readings: readonly T[]): T[] {
  const stride = Math.max(1, Math.ceil((readings.length - 1) / MAX_READINGS));
  return readings.filter((_, i) => (readings.length - 1 - i) % stride === 0);
}
