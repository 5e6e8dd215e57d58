import { frameName } from '../profile/call-tree.ts';
import type { ProfileFrame } from '../profile/types.ts';
import { stripControl } from '../util/text.ts';
import { LEFT_OUT, LEFT_OUT_FRAME, spelledStacks } from './spelled-stacks.ts';
import type { Exporter } from './types.ts';

/** JavaScript holds twice as much. */
const MAX_LETTERS = 200e6;

/** A line a stack, `outer;inner 12`, as flamegraph.pl and many others read them; weights are µs, bytes or samples. */
export const collapsed: Exporter = {
  id: 'collapsed',
  title: 'collapsed stacks',
  extension: 'txt',
  mediaType: 'text/plain',
  write({ threads }) {
    const lines: string[] = [];
    const allNames = threads.map(({ frames }) => frames.map(nameOf));
    const stacks = spelledStacks(threads, MAX_LETTERS / meanLength(allNames.flat()), true);
    for (const [i, thread] of threads.entries()) {
      const names = allNames[i]!;
      // One thread needs no name.
      const first = threads.length > 1 ? [oneWord(thread.name)] : [];
      for (let node = 1; node < thread.self.length; node++) {
        const weight = Math.round(thread.self[node]!);
        if (weight === 0) continue;
        const stack = stacks[i]!(node).map((frame) => (frame === LEFT_OUT ? LEFT_OUT_FRAME.function : names[frame]));
        lines.push(`${[...first, ...stack].join(';')} ${weight}\n`);
      }
    }
    return lines.join('');
  },
};

function meanLength(names: readonly string[]): number {
  return names.reduce((sum, { length }) => sum + length + 1, 0) / Math.max(1, names.length);
}

function nameOf(frame: ProfileFrame): string {
  const { file, line, column } = frame;
  const place = file === '' ? '' : ` (${file}${line > 0 ? `:${line}${column > 0 ? `:${column}` : ''}` : ''})`;
  return oneWord(`${frameName(frame)}${place}`);
}

/** A semicolon would be another frame. */
function oneWord(text: string): string {
  return stripControl(text).replace(/;/g, ':');
}
