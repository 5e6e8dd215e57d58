import { childLists } from '../profile/call-tree.ts';
import { InputError } from '../recording/input-error.ts';
import { callFrameOf } from './cpuprofile.ts';
import type { Exporter } from './types.ts';

/** Allocation as Chrome DevTools opens it, of the first thread; sizes in bytes. */
export const heapprofile: Exporter = {
  id: 'heapprofile',
  title: 'allocation profile of Chrome DevTools',
  extension: 'heapprofile',
  mediaType: 'application/json',
  write({ threads, unit, kind }) {
    if (unit !== 'bytes')
      throw new InputError('A .heapprofile holds bytes, not time. Choose cpuprofile, pprof or speedscope.');
    const thread = threads[0]!;
    const { first, next } = childLists(thread);
    const pieces: string[] = [];
    // Instead of recursion: a node, or the text that closes one.
    const open: (number | string)[] = [0];
    for (let item = open.pop(); item !== undefined; item = open.pop()) {
      if (typeof item === 'string') {
        pieces.push(item);
        continue;
      }
      const callFrame = JSON.stringify(callFrameOf(thread.frames[thread.frame[item]!]));
      const isLaterSibling = item > 0 && first[thread.parent[item]!] !== item;
      pieces.push(
        `${isLaterSibling ? ',\n' : ''}{"callFrame":${callFrame},"selfSize":${Math.round(thread.self[item]!)},"id":${item + 1},"children":[`,
      );
      open.push(']}');
      const children: number[] = [];
      for (let child = first[item]!; child >= 0; child = next[child]!) children.push(child);
      for (const child of children.reverse()) open.push(child);
    }
    const samples: string[] = [];
    for (let node = 0; node < thread.self.length; node++) {
      const size = Math.round(thread.self[node]!);
      if (size > 0) samples.push(`{"size":${size},"nodeId":${node + 1},"ordinal":${samples.length + 1}}`);
    }
    const { sampleCount = samples.length, interval = null } = thread.taken ?? {};
    const about = JSON.stringify({ kind, sampleCount, interval });
    return `{"evdiag":${about},"head":${pieces.join('')},"samples":[${samples.join(',\n')}]}\n`;
  },
};
