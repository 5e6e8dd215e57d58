import { monotonicMs, process } from '../../primordials.ts';

const { hrtime } = process;

/** Of a machine's monotonic clock, what `monotonicMs` does not count. */
export function clockOffsetMs(): number {
  const [seconds, nanoseconds] = hrtime();
  return seconds * 1000 + nanoseconds / 1e6 - monotonicMs();
}
