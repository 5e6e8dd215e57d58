import { quantile } from './measure.ts';
import type { Figures, LabGap, LabRow, Progress } from './types.ts';

/** One way to do a job. */
export interface Way {
  id: string;
  title: string;
  reported?: string;
  baseline?: string;
  /** How long it takes, compared with the other ways: 1 if nothing is said. */
  weight?: number;
  /** Does it once. */
  run(progress: Progress): Promise<Figures>;
}

/**
 * Does the job each way, `rounds` times, forwards and backwards, so that a noisy moment does not hit always the same way. The rows have the
 * medians, and of the figure `spread` the least (`…Low`) and the most (`…High`). A way that fails is a gap.
 */
export async function runWays(
  ways: readonly Way[],
  { rounds, spread }: { rounds: number; spread: string },
  progress: Progress,
): Promise<{ rows: LabRow[]; gaps: LabGap[] }> {
  const tried = ways.map((way) => ({ way, results: [] as Figures[], failure: null as string | null }));
  const all = rounds * ways.reduce((sum, { weight = 1 }) => sum + weight, 0);
  let done = 0;
  progress(0);
  for (let round = 0; round < rounds; round++) {
    for (const one of round % 2 === 0 ? tried : tried.toReversed()) {
      const { weight = 1 } = one.way;
      const report: Progress = (share) => progress(Math.min(0.99, (done + weight * share) / all));
      try {
        if (one.failure === null) one.results.push(await one.way.run(report));
      } catch (error) {
        one.failure = error instanceof Error ? error.message : String(error);
      }
      done += weight;
      report(0);
    }
  }
  return {
    rows: tried.flatMap(({ way, results, failure }) => (failure === null ? [rowOf(way, results, spread)] : [])),
    gaps: tried.flatMap(({ way: { id, title }, failure }) => (failure === null ? [] : [{ id, title, why: failure }])),
  };
}

function rowOf({ id, title, reported, baseline }: Way, results: readonly Figures[], spread: string): LabRow {
  const valuesOf = (key: string): number[] => results.map((figures) => figures[key]!).sort((a, b) => a - b);
  const medians = Object.keys(results[0] ?? {}).map((key) => [key, quantile(valuesOf(key), 0.5)] as const);
  const spreadValues = valuesOf(spread);
  const figures = {
    ...Object.fromEntries(medians),
    [`${spread}Low`]: spreadValues[0]!,
    [`${spread}High`]: spreadValues.at(-1)!,
    roundCount: results.length,
  };
  return {
    id,
    title,
    figures,
    ...(baseline !== undefined && { baseline }),
    ...(reported !== undefined && { reported }),
  };
}

/** A figure of a row; NaN if it was not measured. */
export function figureOf(rows: readonly LabRow[], id: string, key: string): number {
  return rows.find((row) => row.id === id)?.figures[key] ?? Number.NaN;
}

/** The sentences whose numbers were all measured. */
export function sentencesOf(sentences: readonly { needs: readonly number[]; text: string }[]): string[] {
  return sentences.filter(({ needs }) => needs.every(Number.isFinite)).map(({ text }) => text);
}
