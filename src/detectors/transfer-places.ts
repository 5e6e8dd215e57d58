/** What is read, written and sent, by place over time. */
import { lineKey } from '../recording/places.ts';
import { type RowOf, rowsOf, type TransferPlace, type View } from '../recording/types.ts';

type TransfersRow = RowOf<'transfers'>;

export interface UseOverTime<Use extends TransferPlace> {
  location: NonNullable<Use['location']>;
  /** In order of time; of each row, those of the same place and sort together are one after the other. */
  uses: { row: TransfersRow; use: Use }[];
}

/** Uses whose line is known, by line and `sort`. */
export function usesByPlace<Use extends TransferPlace>(
  recording: View<'transfers'>,
  usesOf: (row: TransfersRow) => readonly Use[],
  sort: (use: Use) => string,
): UseOverTime<Use>[] {
  const places = new Map<string, UseOverTime<Use>>();
  for (const row of rowsOf(recording, 'transfers')) {
    for (const use of usesOf(row)) {
      if (!use.location) continue;
      const key = `${sort(use)} ${lineKey(use.location)}`;
      const place: UseOverTime<Use> = places.get(key) ?? { location: use.location, uses: [] };
      places.set(key, place);
      place.uses.push({ row, use });
    }
  }
  return [...places.values()];
}

/** Of the rows, each once. */
export function observedMs(uses: readonly { row: TransfersRow }[]): number {
  return [...new Set(uses.map(({ row }) => row))].reduce((sum, { intervalMs }) => sum + intervalMs, 0);
}

export function total<Item>(items: readonly Item[], of: (item: Item) => number): number {
  return items.reduce((sum, item) => sum + of(item), 0);
}

/** "Begins" at the beginning of the first row. */
export function spanOf(uses: readonly { row: TransfersRow }[]): { firstMs: number; lastMs: number } {
  const [first, last] = [uses[0]!.row, uses.at(-1)!.row];
  return { firstMs: Math.round(Math.max(0, first.t - first.intervalMs)), lastMs: Math.round(last.t) };
}
