import { lineText } from '../util/place-text.ts';
import { formatMs, plural, stripControl } from '../util/text.ts';
import type { Profiled } from './types.ts';

/** What the thread did and where the function waited, as text of two tables. */
export function profileTable(name: string, profiled: Profiled<unknown>, rows: number): string {
  const { durationMs, busyMs, sampleCount, functions, waits, unfollowedWaits } = profiled;
  const cpu = functions
    .slice(0, rows)
    .map((one) => [
      formatMs(one.selfMs),
      formatMs(one.totalMs),
      `${clean(one.function)}${one.location ? `  ${placeOf(one.location)}` : ''}`,
    ]);
  const waiting = waits
    .slice(0, rows)
    .map((one) => [
      formatMs(one.selfMs),
      formatMs(one.totalMs),
      formatMs(one.longestMs),
      `${one.count} ×`,
      `${clean(one.code) || '(source not at hand)'}  ${placeOf(one.location)} ${clean(one.function)}${one.unfinished > 0 ? `, ${one.unfinished} not finished` : ''}`,
    ]);
  const unfollowed = unfollowedWaits > 0 ? `${plural(unfollowedWaits, 'await')} more were not followed.\n` : '';
  return [
    `${clean(name)}: ${formatMs(durationMs)}, of which it ran for ${formatMs(busyMs)} (${plural(sampleCount, 'sample')})\n`,
    cpu.length > 0 ? `\n${aligned([['self', 'total', 'function'], ...cpu])}` : '',
    waiting.length > 0 ? `\n${aligned([['self', 'total', 'longest', 'count', 'waits at'], ...waiting])}` : '',
    unfollowed,
  ].join('');
}

/** Numbers to the right, the last column as it is. */
function aligned(table: readonly (readonly string[])[]): string {
  const last = table[0]!.length - 1;
  const widths = table[0]!.map((_, i) => Math.max(...table.map((row) => row[i]!.length)));
  return table
    .map((row) => `${row.map((cell, i) => (i < last ? cell.padStart(widths[i]!) : cell)).join('  ')}\n`)
    .join('');
}

function placeOf({ file, line }: { file: string; line: number }): string {
  return lineText({ file, line });
}

function clean(text: string): string {
  return stripControl(text);
}
