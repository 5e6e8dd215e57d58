/** Counts lost rows, so that the chunks that are kept together say how many, and why. */

export const REASONS = {
  bound: 'the recording reached its limit (EVDIAG_MAX_MB)',
  unwritten: 'the recording could not be written',
  removed: 'its file was removed, moved or cut while it was written',
} as const;

export type Reason = keyof typeof REASONS;
type Counts = Record<Reason, number>;

interface Chunk {
  rows: number;
  /** What the chunk says about lost rows. */
  stated: Counts;
}

const none = (): Counts => ({ bound: 0, unwritten: 0, removed: 0 });
const emptyChunk = (): Chunk => ({ rows: 0, stated: none() });

export function createLosses() {
  const lost = none();
  let current = emptyChunk();
  let older = emptyChunk();
  return {
    lose(reason: Reason, rows: number): void {
      lost[reason] += rows;
    },
    /** A row, or a report of lost ones, is in the current chunk. */
    written({ rows, reason }: { rows: number; reason: Reason | null }): void {
      if (reason === null) current.rows += rows;
      else current.stated[reason] += rows;
    },
    /** The current chunk became the older one and replaced the previous one. */
    rotated(): void {
      lost.bound += older.rows;
      older = current;
      current = emptyChunk();
    },
    /** The current chunk is gone, and the older one with it unless it is still there. */
    gone(olderIsThere: boolean): number {
      const rows = current.rows + (olderIsThere ? 0 : older.rows);
      lost.removed += rows;
      current = emptyChunk();
      if (!olderIsThere) older = emptyChunk();
      return rows;
    },
    /** This share of the current chunk is left. Which rows these are is not known. */
    cut(share: number): number {
      const rows = Math.ceil(current.rows * (1 - share));
      lost.removed += rows;
      current = share === 0 ? emptyChunk() : { ...current, rows: current.rows - rows };
      return rows;
    },
    rowsInChunk: () => current.rows,
    /** In total, except those dropped for the size limit. */
    harm: (): [Reason, number][] =>
      (['unwritten', 'removed'] as const)
        .map((reason): [Reason, number] => [reason, lost[reason]])
        .filter(([, rows]) => rows > 0),
    /** What no kept chunk reports yet. */
    unstated: (): [Reason, number][] =>
      (Object.keys(lost) as Reason[])
        .map((reason): [Reason, number] => [reason, lost[reason] - current.stated[reason] - older.stated[reason]])
        .filter(([, rows]) => rows > 0),
  };
}
