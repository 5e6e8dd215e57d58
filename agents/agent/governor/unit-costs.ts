import { max, min, monotonicMs, NativeMap, NativeWeakMap } from '../../primordials.ts';

/** What is counted in the observed thread, each time that it is called. */
export const SENSORS = [
  'promise-made',
  'promise-settled',
  'promise-carried',
  'resource-made',
  'resource-destroyed',
  'listener-added',
  'work-followed',
] as const;
export type Sensor = (typeof SENSORS)[number];

/**
 * One call, in ns: what V8 and Node do to call the hook included. From the CPU time of servers, with each sensor and without
 * it (Node 20 and 24), on a machine where `REFERENCE_NS` is what `measureUnit` returns.
 */
const COST_NS: Readonly<Record<Sensor, number>> = {
  'promise-made': 230,
  'promise-settled': 140,
  'promise-carried': 60,
  'resource-made': 220,
  'resource-destroyed': 150,
  'listener-added': 50,
  'work-followed': 2500,
};
const REFERENCE_NS = 100;
/** A clock that jumps, or a core that others had. */
const SCALE = { least: 0.3, most: 10 };

/** One batch takes some 20 µs; the quickest had the core for itself. */
const BATCHES = 8;
const BATCH = 200;

/** Turns counts of calls into time. The unit is measured once, when it is first wanted. */
export function createUnitCosts(measure: () => number = measureUnit) {
  let scale: number | null = null;
  return {
    /** Milliseconds that so many calls took. */
    costMs(sensor: Sensor, calls: number): number {
      scale ??= max(SCALE.least, min(SCALE.most, measure() / REFERENCE_NS));
      return (calls * COST_NS[sensor] * scale) / 1e6;
    },
  };
}

/** What most of a hook's own time goes into: looking up and keeping by identity. In ns. */
function measureUnit(): number {
  const known = new NativeWeakMap<object, object>();
  const kept = new NativeMap<object, object>();
  let leastMs = 1;
  for (let batch = 0; batch < BATCHES; batch++) {
    const from = monotonicMs();
    for (let i = 0; i < BATCH; i++) {
      const made = {};
      known.set(made, made);
      kept.set(made, known.get(made)!);
      kept.delete(made);
    }
    leastMs = min(leastMs, monotonicMs() - from);
  }
  return (leastMs * 1e6) / BATCH;
}
