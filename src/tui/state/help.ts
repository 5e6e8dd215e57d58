import { line, span } from './text.ts';
import type { Line } from './types.ts';

const KEYS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    'Anywhere',
    [
      ['q, Ctrl-C', 'quit'],
      ['?', 'these keys'],
      ['Tab, Shift-Tab, 1–7', 'another view'],
      ['j k ↑ ↓ PgUp PgDn gg G', 'move; the wheel does too'],
      ['Enter, click; Esc', 'details: stack, source, remedy; close'],
      ['/, then c', 'filter; clear the filter'],
      ['h l ← →, click; i', 'choose the column that sorts; invert the order'],
      ['< >', 'show the thread or process before, after'],
      ['y', 'copy the place of the selected row'],
    ],
  ],
  [
    'Live',
    [
      ['space, p', 'pause the view; collection goes on'],
      ['+ −', 'refresh more often, less often'],
      ['R', 'reset: forget what was before now'],
      ['d', 'dump: stacks, suspended calls, timers, handles'],
      ['s', 'save the rows as a recording'],
      ['f; m; M', 'CPU profile; heap snapshot; leak hunt in three steps'],
    ],
  ],
  [
    'Replay, and live while paused',
    [
      ['space, p', 'play, pause'],
      [', .', 'to the event before, after'],
      ['n N', 'to the next finding, to the one before'],
      ['[ ], click on the bar', 'seek by a twentieth, to a place'],
      ['{ }', 'to the beginning, to the end'],
      ['+ −', 'speed, ¼ to 64 times'],
    ],
  ],
];

/** The help overlay. */
export const HELP: readonly Line[] = KEYS.flatMap(([title, keys]) => [
  line(title, 'strong'),
  ...keys.map(([key, what]): Line => [span(`  ${key.padEnd(27)}`, 'accent'), span(what)]),
  line(''),
]);
