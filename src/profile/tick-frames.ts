/** Functions as V8's log and 0x name them: 'hot /srv/app.js:1:13', ' node:internal/timers:504:25' without a name. */
import { createFrameMapper } from '../recording/source-maps.ts';
import { type Loose, textOf } from './loose.ts';
import { profileFrame } from './profile-frame.ts';
import type { ProfileFrame } from './types.ts';

const PLACE = /^(.*):(\d{1,9}):(\d{1,9})$/s;
/** What a file begins with; a function's name may have spaces, too. */
const FILE = / (?=\/|file:|node:|wasm:|[A-Za-z]:[\\/])/;
/** The loop waits for events. */
const WAITS = /^(epoll_p?wait|kevent|GetQueuedCompletionStatus)/;
/** 0x loads a few files into the program. */
const OF_0X = /[\\/]0x[\\/]lib[\\/]preload[\\/]/;

export const IDLE = special('(idle)', 'idle');
export const COLLECTOR = special('(garbage collector)', 'gc');
export const COMPILER = special('(compiler)', 'v8');
export const PROGRAM = special('(program)', 'v8');
/** V8 writes its log. */
export const LOGGING = special('(logging)', 'v8');

function special(name: string, category: ProfileFrame['category']): ProfileFrame {
  return { function: name, file: '', line: 0, column: 0, category };
}

/** Frames of the original sources; null for what is left out: V8's interpreter, what 0x adds. */
export function tickFrames(): (code: Loose) => ProfileFrame | null {
  const map = createFrameMapper();
  return ({ name, type, kind }) => {
    const text = textOf(name);
    if (type === 'JS') return jsFrame(text, map);
    if (type === 'CODE' && kind === 'RegExp') return special(`RegExp: ${text}`, 'native');
    if (type === 'CODE') return kind === 'BytecodeHandler' ? null : special(text, 'native');
    // The name of a symbol has its version behind it.
    return WAITS.test(text) ? IDLE : special(text.replace(/@@.*$/, ''), 'v8');
  };
}

function jsFrame(text: string, map: ReturnType<typeof createFrameMapper>): ProfileFrame | null {
  const [, before, line, column] = PLACE.exec(text) ?? [];
  if (before === undefined) return special(text.trim(), 'native');
  const found = FILE.exec(before)?.index ?? before.indexOf(' ');
  const file = before.slice(found + 1);
  if (OF_0X.test(file)) return null;
  return profileFrame(map([before.slice(0, Math.max(0, found)), file || null, Number(line), Number(column)]));
}
