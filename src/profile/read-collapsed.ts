/** Collapsed stacks: a line a stack, `outer;inner 12`, as Brendan Gregg's flamegraph.pl reads them. */
import { isRuntimes } from '../recording/source-maps.ts';
import { bad, weightOf } from './loose.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { ProfileFrame, ThreadProfile } from './types.ts';

const LINE = /^(.*\S)\s+(\d+(?:\.\d+)?)$/;
const FRAME = /^(.*) \((.+?)(?::(\d+))?(?::(\d+))?\)$/;

/** Throws InputError if a line is not valid. */
export function readCollapsed(text: string): ThreadProfile {
  const builder = new TreeBuilder();
  const lines = text.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!.trim();
    if (line === '' || line.startsWith('#')) continue;
    const match = LINE.exec(line);
    if (!match) throw bad(`line ${i + 1} is not a collapsed stack ("outer;inner 12")`);
    const stack = match[1]!.split(';').map((name) => builder.frame(frameOf(name)));
    builder.add(builder.stack(stack), weightOf(Number(match[2])));
  }
  return builder.build('all threads');
}

function frameOf(text: string): ProfileFrame {
  const match = FRAME.exec(text);
  const [, name = text, file = '', line = '0', column = '0'] = match ?? [];
  return { function: name, file, line: Number(line), column: Number(column), category: categoryOf(name, file) };
}

/** As far as names show it. */
export function categoryOf(name: string, file: string): ProfileFrame['category'] {
  if (name === '(idle)') return 'idle';
  if (name === '(garbage collector)') return 'gc';
  if (name === '(program)') return 'v8';
  if (file === '' || file.startsWith('wasm:')) return 'native';
  if (isRuntimes(file)) return 'node';
  return /[\\/]node_modules[\\/]/.test(file) ? 'dependency' : 'application';
}
