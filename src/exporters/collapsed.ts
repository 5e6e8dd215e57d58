import { frameName, stackOf } from '../profile/call-tree.ts';
import type { ProfileFrame } from '../profile/types.ts';
import { stripControl } from '../util/text.ts';
import type { Exporter } from './types.ts';

/** A line a stack, `outer;inner 12`, as flamegraph.pl and many others read them; weights are µs, bytes or samples. */
export const collapsed: Exporter = {
  id: 'collapsed',
  title: 'collapsed stacks',
  extension: 'txt',
  mediaType: 'text/plain',
  write({ threads }) {
    const lines: string[] = [];
    for (const thread of threads) {
      const names = thread.frames.map(nameOf);
      // One thread needs no name.
      const first = threads.length > 1 ? [oneWord(thread.name)] : [];
      for (let node = 1; node < thread.self.length; node++) {
        const weight = Math.round(thread.self[node]!);
        if (weight === 0) continue;
        lines.push(`${[...first, ...stackOf(thread, node).map((frame) => names[frame])].join(';')} ${weight}\n`);
      }
    }
    return lines.join('');
  },
};

function nameOf(frame: ProfileFrame): string {
  const { file, line, column } = frame;
  const place = file === '' ? '' : ` (${file}${line > 0 ? `:${line}${column > 0 ? `:${column}` : ''}` : ''})`;
  return oneWord(`${frameName(frame)}${place}`);
}

/** A semicolon would be another frame. */
function oneWord(text: string): string {
  return stripControl(text).replace(/;/g, ':');
}
