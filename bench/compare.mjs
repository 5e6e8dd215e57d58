// Measures the variants of one case in rounds, until the result is certain or the time is over.
import { LEAST_CLUSTERS, medianInterval, totalInterval } from './interval.mjs';
import { quantile } from './quantile.mjs';

/** @import { Bar, Case, Comparison, Figures, Metric, Result, Variant } from './types.d.ts' */

/**
 * @param {Case} one of cases.mjs
 * @param {Variant[]} variants at least two
 * @param {Comparison[]} comparisons
 * @param {{ minutes: number, level: string }} options
 * @returns {Promise<Result[]>} one per comparison and metric
 */
export async function compare({ id, metrics, measureRound }, variants, comparisons, { minutes, level }) {
  /** @type {Figures[][][]} */
  const rounds = [];
  const until = performance.now() + minutes * 60_000;
  for (;;) {
    rounds.push(await measureRound(variants, rounds.length));
    const results = comparisons.flatMap((comparison) =>
      metrics.map((metric) => ({ case: id, ...resultOf(metric, comparison, rounds, level) })),
    );
    progress(`${id}: ${rounds.length} rounds, ${results[0].text}`);
    const late = performance.now() > until;
    const precise = rounds.length >= LEAST_CLUSTERS && !results.some(({ isWide }) => isWide);
    if (precise || late) return results;
  }
}

/**
 * @param {Metric} metric
 * @param {Comparison} comparison
 * @param {Figures[][][]} rounds
 * @param {string} level
 * @returns {Omit<Result, 'case'>}
 */
function resultOf(metric, { name, of, to, judged }, rounds, level) {
  const { id, unit, how, within, bars } = metric;
  const interval = intervalOf(metric, of, to, rounds);
  const { median, low, high } = interval;
  const isPrecise = Math.max(median - low, high - median) <= (within ?? 0);
  const bar = judged ? bars[level] : undefined;
  /** @param {number} value */
  const number = (value) =>
    !Number.isFinite(value) ? '?' : how !== 'added' ? value.toFixed(3) : `${value < 0 ? '' : '+'}${value.toFixed(2)}`;
  /** @param {number} which */
  const amount = (which) =>
    quantile(
      rounds.flat(1).map((block) => block[which][id]),
      0.5,
    );
  return {
    metric: how === 'total' ? `${id} of all` : id,
    comparison: name,
    base: `${amount(to).toPrecision(4)} ${unit}`,
    measured: `${amount(of).toPrecision(4)} ${unit}`,
    text: `${number(median)} [${number(low)} ${number(high)}]`,
    median,
    bar: bar ? `${bar[0]} ${bar[1]}` : '',
    verdict: verdictOf(interval, isPrecise, bar, how),
    isWide: within !== undefined && !isPrecise,
  };
}

/**
 * @param {Metric} metric
 * @param {number} of
 * @param {number} to
 * @param {Figures[][][]} rounds
 */
function intervalOf({ id, how }, of, to, rounds) {
  if (how === 'total') {
    return totalInterval(
      rounds.map((blocks) => blocks.map((block) => /** @type {[number, number]} */ ([block[of][id], block[to][id]]))),
    );
  }
  return medianInterval(
    rounds.map((blocks) =>
      blocks.map((block) => (how === 'ratio' ? block[of][id] / block[to][id] : block[of][id] - block[to][id])),
    ),
  );
}

/**
 * What the whole interval says; 'not shown' where it says both, or is too wide to say that there is no difference.
 *
 * @param {{ low: number, high: number }} interval
 * @param {boolean} isPrecise
 * @param {Bar | undefined} bar
 * @param {Metric['how']} how
 */
function verdictOf({ low, high }, isPrecise, bar, how) {
  if (bar) {
    const [sign, limit] = bar;
    const [worst, best] = sign === '<=' ? [high, low] : [low, high];
    /** @param {number} value */
    const holds = (value) => (sign === '<=' ? value <= limit : value >= limit);
    return holds(worst) ? 'ok' : holds(best) ? 'not shown' : 'over';
  }
  const none = how === 'added' ? 0 : 1;
  if (low > none) return 'more';
  if (high < none) return 'less';
  return isPrecise ? 'no difference' : 'not shown';
}

/** @param {string} text */
function progress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[K${text}`);
}
