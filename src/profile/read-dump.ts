/** What `evdiag dump --json` prints, as a picture of waiting: suspended calls below those that await them. */
import { threadName } from '../recording/thread-name.ts';
import { arrayOf, bad, type Loose, numberOf, objectOf, textOf, weightOf } from './loose.ts';
import { categoryOf } from './read-collapsed.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { Profile, ProfileFrame, ThreadProfile } from './types.ts';

/** Of `evdiag dump --json`; the second names the mode and what is not listed. */
export const DUMP_SCHEMAS: readonly unknown[] = ['evdiag-dump/1', 'evdiag-dump/2'];

/** Its weights are suspended calls; the innermost frame is what they wait for. Throws InputError. */
export function readDump(value: unknown): Pick<Profile, 'kind' | 'unit' | 'threads'> {
  const threads = arrayOf(objectOf(value, 'the dump').threads, '"threads"').map((one) =>
    toThread(objectOf(one, 'a thread')),
  );
  if (threads.length === 0) throw bad('it has no threads');
  return { kind: 'waiting', unit: 'samples', threads };
}

function toThread({ threadId, suspended }: Loose): ThreadProfile {
  const builder = new TreeBuilder();
  const calls = typeof suspended === 'object' && suspended !== null ? (suspended as Loose).calls : [];
  for (const one of arrayOf(calls, '"suspended.calls"')) {
    const call = objectOf(one, 'a suspended call');
    // It waits for a call that is counted itself.
    if ((call.settledBy as Loose | null | undefined)?.kind === 'async-call') continue;
    const stack = [
      ...arrayOf(call.awaitedBy, '"awaitedBy"')
        .map((frame) => objectOf(frame, 'a frame'))
        .reverse(),
      call,
    ];
    const frames = stack.map((frame) => builder.frame(frameOf(frame)));
    const awaits = textOf(call.awaits);
    if (awaits !== '')
      frames.push(
        builder.frame({
          ...frameOf(call),
          function: awaits.startsWith('await') ? awaits : `await ${awaits}`,
          category: 'node',
        }),
      );
    builder.add(builder.stack(frames), weightOf(call.count));
  }
  const id = numberOf(threadId, 0);
  return builder.build(threadName(id));
}

/** At its `await`, not where the function begins: that is where it waits. */
function frameOf(frame: Loose): ProfileFrame {
  const [name, file] = [textOf(frame.function), textOf(frame.file)];
  return {
    function: name,
    file,
    line: numberOf(frame.line, 0),
    column: numberOf(frame.column, 0),
    category: categoryOf(name, file),
  };
}
