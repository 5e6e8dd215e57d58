import { quantile } from './quantile.mjs';

const RESAMPLES = 1000;
/** Fewer processes say too little about how processes differ. */
export const LEAST_CLUSTERS = 6;
const Z_95 = 1.96;

/**
 * Median of all values with its 95 % interval, by bootstrap over clusters: values of one process share its conditions (what
 * the compiler did, where memory lies), so that many of them prove little more than one.
 *
 * @param {number[][]} clusters the values of each round of processes
 * @returns {{ median: number, low: number, high: number }} endless where there are too few clusters
 */
export function medianInterval(clusters) {
  return interval(clusters, (some) => quantile(some.flat(), 0.5));
}

/**
 * Sum of all by sum of all, with the same interval: what happens seldom and costs much is in it, which the median leaves out.
 *
 * @param {[of: number, to: number][][]} clusters
 * @returns {{ median: number, low: number, high: number }} `median` is the ratio
 */
export function totalInterval(clusters) {
  return interval(clusters, (some) => {
    let [of, to] = [0, 0];
    for (const values of some) for (const value of values) [of, to] = [of + value[0], to + value[1]];
    return of / to;
  });
}

/**
 * @template Value
 * @param {Value[][]} clusters
 * @param {(some: Value[][]) => number} statistic
 */
function interval(clusters, statistic) {
  const median = statistic(clusters);
  const count = clusters.length;
  if (count < LEAST_CLUSTERS) return { median, low: -Infinity, high: Infinity };
  const resampled = Array.from({ length: RESAMPLES }, () =>
    statistic(clusters.map(() => clusters[Math.floor(Math.random() * count)])),
  );
  const wider = forFewClusters(count);
  return {
    median,
    low: median - (median - quantile(resampled, 0.025)) * wider,
    high: median + (quantile(resampled, 0.975) - median) * wider,
  };
}

/**
 * A bootstrap of few clusters gives too narrow an interval: Student's quantile (first term of its expansion), n for n - 1.
 *
 * @param {number} count
 */
function forFewClusters(count) {
  const degrees = count - 1;
  return (1 + (Z_95 ** 2 + 1) / (4 * degrees)) * Math.sqrt(count / degrees);
}
