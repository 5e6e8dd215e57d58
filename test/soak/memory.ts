/** What the server's process held at a moment between two stalls, garbage collected. */
export interface MemoryLine {
  type: 'memory';
  stalls: number;
  main: Held;
  watchdog: Held;
  rssBytes: number;
  /** null where the platform does not tell. */
  descriptors: number | null;
  /** Each has a descriptor. */
  connections: number;
  threads: number | null;
  /** Worker threads of the server's own that are alive. */
  workers: number;
}

interface Held {
  heapBytes: number;
  externalBytes: number;
}

/** Start-up: code is compiled, connections are made. */
const WARM_UP_SHARE = 0.25;

/** Bytes by which a quantity grew after the warm-up: its slope by stall (Theil–Sen: no outlier moves it) times the stalls. */
export function growthOf(lines: readonly MemoryLine[], of: (line: MemoryLine) => number): number {
  const warm = lines.slice(Math.floor(lines.length * WARM_UP_SHARE));
  const slopes = warm.flatMap((a, i) =>
    warm.slice(i + 1).map((b) => (of(b) - of(a)) / Math.max(1, b.stalls - a.stalls)),
  );
  return medianOf(slopes) * (warm.at(-1)!.stalls - warm[0]!.stalls);
}

export function medianOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
