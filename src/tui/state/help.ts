import { fitLine, line, lineColumns, span } from './text.ts';
import type { Line } from './types.ts';

type Section = readonly [title: string, keys: readonly (readonly [key: string, what: string])[]];

const LEFT: readonly Section[] = [
  [
    'Anywhere',
    [
      ['q, Ctrl-C', 'quit'],
      ['?', 'these keys'],
      ['Tab, 1–8', 'another view'],
      ['j k ↑ ↓ gg G', 'move; PgUp, PgDn, wheel'],
      ['Enter; Esc', 'details; close them'],
      ['/; c', 'filter; clear the filter'],
      ['h l ← →; i', 'sort by; invert'],
      ['< >', 'previous, next thread'],
      ['y; e', 'copy the place; edit it'],
    ],
  ],
  [
    'Replay, and live while paused',
    [
      ['space, p', 'play, pause'],
      [', .', 'previous, next event'],
      ['n N', 'next, previous finding'],
      ['[ ]; { }', 'seek; to the ends'],
      ['+ −', 'speed, ¼ to 64 times'],
    ],
  ],
];

const RIGHT: readonly Section[] = [
  [
    'Live',
    [
      ['space, p', 'pause the view'],
      ['+ −', 'refresh more, less often'],
      ['R', 'forget everything so far'],
      ['d', 'dump: calls, timers, handles'],
      ['s', 'save the rows as a recording'],
      ['f', 'start, stop a CPU profile'],
      ['m; M', 'heap snapshot; find leaks'],
      ['L', 'level: watch, diagnose'],
    ],
  ],
  [
    'Profile',
    [
      ['t', 'functions, calls, callers'],
      ['← →', 'of calls: fold, unfold'],
      ['r', 'on a stall: its time; all'],
      ['o', 'another profile'],
      ['w', 'write it to a file'],
    ],
  ],
];

/** The width of one of two columns. */
const COLUMN = 39;
const KEYS = { left: 14, right: 10 } as const;

/** The help overlay, in two columns where they fit. */
export function helpLines(columns: number): Line[] {
  if (columns < 2 * COLUMN) return [...sectionLines(LEFT, KEYS.left), line(''), ...sectionLines(RIGHT, KEYS.left)];
  const [left, right] = [sectionLines(LEFT, KEYS.left), sectionLines(RIGHT, KEYS.right)];
  return Array.from({ length: Math.max(left.length, right.length) }, (_, i) => {
    const spans = fitLine(left[i] ?? [], COLUMN);
    return [...spans, span(' '.repeat(COLUMN - lineColumns(spans))), ...(right[i] ?? [])];
  });
}

function sectionLines(sections: readonly Section[], width: number): Line[] {
  return sections.flatMap(([title, keys], i): Line[] => [
    ...(i > 0 ? [line('')] : []),
    line(title, 'strong'),
    ...keys.map(([key, what]): Line => [span(` ${key.padEnd(width)}`, 'accent'), span(what)]),
  ]);
}
