/** What the parts of a dump share as text. */
import type { Frame } from '../recording/types.ts';
import { lineText } from '../util/place-text.ts';
import type { Paint } from '../util/terminal.ts';
import { displayPath, formatCount, formatMs, stripControl } from '../util/text.ts';
import type { SettledBy } from './dump.ts';

export interface DumpTextOptions {
  paint: Paint;
  /** Columns. */
  width: number;
  /** Show everything. */
  expand: boolean;
}

export const LIMIT = { roots: 12, children: 6, depth: 16, frames: 10, rows: 8, cycles: 5 };
export const NOWHERE: Frame = { function: '', file: '', line: 0, column: 0, category: 'application' };

const WORDS: Record<SettledBy['kind'], string> = {
  timer: 'a timer',
  socket: 'a socket',
  server: 'a server',
  'http-request': 'an HTTP request',
  file: 'a file operation',
  'child-process': 'a child process',
  worker: 'a worker thread or port',
  dns: 'a DNS look-up',
  stream: 'a stream',
  emitter: 'an emitter',
  'abort-signal': 'an AbortSignal',
  'async-call': 'an async call',
  structure: 'a resolving function',
  nothing: 'nothing',
};

export function settledText(by: SettledBy, paint: Paint): string {
  if (by.kind === 'nothing') return paint('nothing can settle it', 'red', 'bold');
  return `waits for ${stripControl(whatText(by))}`;
}

function whatText({ kind, name, ms, event, variable, file, call }: SettledBy): string {
  if (kind === 'timer') return ms === undefined ? WORDS.timer : `a timer of ${formatMs(ms)}`;
  if (kind === 'async-call' && call) return `${nameOf(call)} ${placeOf(call)}`;
  if (kind === 'structure') {
    const where = file ? `, ${displayPath(file)}` : '';
    const path = variable && shortPath(variable);
    if (path === '') return `a call of a function in a list (${name}${where})`;
    return path ? `a call of a function in ${path} (${name}${where})` : `a call of a function in a ${name}${where}`;
  }
  const of = name && name !== WORDS[kind] ? ` (${name})` : '';
  return event ? `the event '${event}' of ${WORDS[kind]}${of}` : `${WORDS[kind]}${of}`;
}

/** "queue.head.next…" for "queue.head.next.next.next": how long a list is says nothing; '' if there is nothing else. */
function shortPath(path: string): string {
  const names = path.split('.');
  const last = names.at(-1)!;
  const first = names.findLastIndex((name) => name !== last) + 1;
  if (names.length - first < 2) return path;
  return first === 0 ? '' : `${names.slice(0, first + 1).join('.')}…`;
}

export function moreText(count: number): string {
  return `… ${formatCount(count)} more, --expand`;
}

export function nameOf({ function: name }: Frame): string {
  return stripControl(name) || '(anonymous)';
}

export function placeOf({ file, line, column }: Frame): string {
  return file === '' ? '' : lineText({ file, line, column });
}
