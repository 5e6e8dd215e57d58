import type { Family, MetricSample } from './types.ts';

export function gauge(name: string, help: string, value: number | MetricSample[] | null): Family {
  return { name, help, type: 'gauge', samples: samplesOf(value) };
}

export function counter(name: string, help: string, value: number | MetricSample[] | null): Family {
  return { name, help, type: 'counter', samples: samplesOf(value) };
}

/** Null: not known, and so absent. */
function samplesOf(value: number | MetricSample[] | null): MetricSample[] {
  if (value === null) return [];
  return typeof value === 'number' ? [{ value }] : value;
}

/** One series per key. */
export function byLabel(label: string, values: Iterable<readonly [string, number]>): MetricSample[] {
  return [...values].map(([key, value]) => ({ labels: { [label]: key }, value }));
}

/** Counts values by upper bounds, in the order of the bounds. */
export class Buckets {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Array<number>(bounds.length + 1).fill(0);
  }

  add(value: number, times = 1): void {
    const i = this.#bounds.findIndex((bound) => value <= bound);
    this.addCounted(i < 0 ? this.#bounds.length : i, times, value * times);
  }

  /** What is in that bucket already. */
  addCounted(bucket: number, times: number, sum: number): void {
    this.#counts[Math.min(bucket, this.#bounds.length)]! += times;
    this.#sum += sum;
  }

  samples(labels: Readonly<Record<string, string>> = {}): MetricSample[] {
    let count = 0;
    const buckets = [...this.#bounds.map(String), '+Inf'].map((le, i) => {
      count += this.#counts[i]!;
      return { suffix: '_bucket', labels: { ...labels, le }, value: count };
    });
    return [...buckets, { suffix: '_sum', labels, value: this.#sum }, { suffix: '_count', labels, value: count }];
  }
}

/** A counter of what is added to while it goes on: it never falls where the end turns out shorter. */
export function neverFalling(): (value: number) => number {
  let highest = 0;
  return (value) => {
    highest = Math.max(highest, value);
    return highest;
  };
}
