import { describe, expect, test } from 'vitest';
import type { Row } from '../../../src/recording/types.ts';
import { inOneGo, markSteps } from '../../../src/tui/state/moment.ts';
import { reduce } from '../../../src/tui/state/reduce.ts';
import { screenOf } from '../../../src/tui/state/screen.ts';
import { initialState, shownItems } from '../../../src/tui/state/state.ts';
import { tabs } from '../../../src/tui/state/tabs/index.ts';
import { columnsOf, fitTo, lineColumns, paragraph } from '../../../src/tui/state/text.ts';
import type { Action, Item, State, Tab } from '../../../src/tui/state/types.ts';
import {
  deepSample,
  entry,
  frame,
  memory,
  recordingOf,
  second,
  seconds,
  stall,
  unfinished,
} from '../../support/recording.ts';
import { TestScreen, textOf } from '../../support/screen.ts';

const place = (line: number, name = 'handler') => ({ file: '/srv/app.js', line, column: 3, function: name });
const blocked = (t: number, line: number, durationMs: number): Row =>
  stall({ t, startMs: t - durationMs, durationMs, location: place(line, `f${line}`) });

/** Ten seconds; stalls at 3 s, 5 s and 8 s. */
const sick = recordingOf(
  [
    ...seconds(9),
    blocked(3000, 10, 300),
    blocked(5000, 20, 900),
    blocked(8000, 10, 400),
    unfinished(6000, [
      entry({ alive: 40, location: place(30, 'ask') }),
      entry({ what: 'handle', type: 'Timeout', alive: 7 }),
    ]),
  ].sort((a, b) => a.t - b.t),
);
const replay = (columns = 100, rows = 30) => new TestScreen('replay', [sick], columns, rows);
const live = (columns = 100, rows = 30) => new TestScreen('live', [sick], columns, rows);

describe('tabs', () => {
  test.each(tabs.map(({ id }, i) => [id, i + 1] as const))('%s is digit %i, and fits the terminal', (id, digit) => {
    for (const [columns, rows] of [
      [60, 15],
      [80, 24],
      [120, 40],
      [200, 60],
    ] as const) {
      const screen = live(columns, rows).type(String(digit));
      expect(screen.state.tab).toBe(id);
      const { lines } = screen.screen();
      expect(lines.length).toBe(rows);
      expect(Math.max(...lines.map(lineColumns))).toBeLessThanOrEqual(columns);
    }
  });

  test('Tab and Shift-Tab go around', () => {
    const screen = live();
    expect(screen.type('<S-tab>').state.tab).toBe('profile');
    expect(screen.type('<tab>').state.tab).toBe('overview');
    expect(screen.type('<tab>').state.tab).toBe('stalls');
  });

  test('the overview says what is wrong, where, and what to change', () => {
    const text = replay(120, 40).text();
    expect(text).toMatch(/! WARNING\s+2 findings: 2 warnings/);
    expect(text).toContain('/srv/app.js:20:3 f20');
    expect(text).toContain('→ ');
    expect(text).toContain('40 suspended calls');
  });

  test('the overview of a healthy program says so, and of an empty recording that it cannot know', () => {
    expect(new TestScreen('replay', [recordingOf(seconds(9))]).text()).toContain('✓ HEALTHY');
    expect(new TestScreen('replay', [recordingOf([])]).text()).toContain('not enough data yet');
  });

  test('what is not followed at level watch is no data, not health', () => {
    const screen = new TestScreen('live', [recordingOf(seconds(9), { level: 'watch' })]);
    expect(screen.text()).toContain('not followed at level watch');
    for (const digit of '34') expect(screen.type(digit).text()).toContain('No data yet at level watch');
  });

  test('a stall that lasts is told with its time, which goes on without rows', () => {
    const open: Row = {
      t: 10_100,
      type: 'stall-open',
      id: 9,
      startMs: 10_000,
      durationMs: 100,
      kind: 'json',
      location: place(7, 'parse'),
    };
    const screen = new TestScreen('live', [recordingOf([...seconds(9), open])]);
    expect(screen.text()).toMatch(/BLOCKED for 100 ms so far · json · parse/);
    screen.act({ type: 'tick', ms: 2000 });
    expect(screen.text()).toMatch(/BLOCKED for 2\.1 s so far/);
    expect(screen.type('2').text()).toContain('✗ blocked for 2.1 s so far');
    expect(screen.selected()).toMatch(/json +1 +2\.1 s +2\.1 s +now/);
  });

  test('a worker that waits for its next job, or is at work, is not blocked; one that keeps something waiting is', () => {
    const open = { t: 10_100, type: 'stall-open', id: 9, startMs: 10_000, durationMs: 100, location: null } as const;
    const family = (kind: 'sync-sleep' | 'js-cpu', waiting: number) => {
      const worker = recordingOf([...seconds(9), { ...open, kind, waiting }], { threadId: 2 });
      return new TestScreen('live', [recordingOf(seconds(9)), worker]);
    };
    const digit = String(tabs.findIndex(({ id }) => id === 'threads') + 1);
    expect(family('sync-sleep', 0).text()).not.toContain('BLOCKED');
    expect(family('sync-sleep', 0).type(digit).text()).toMatch(/worker 2 +waits/);
    expect(family('js-cpu', 0).type(digit).text()).toMatch(/worker 2 +works/);
    expect(family('js-cpu', 2).text()).toContain('BLOCKED');
    expect(family('js-cpu', 2).type(digit).text()).toMatch(/worker 2 +blocked/);
  });

  test('memory shows allocation sites where a deep sample has some', () => {
    const rows = [
      ...seconds(3),
      memory({ t: 4500 }),
      deepSample({ t: 5500, allocations: [{ bytes: 3 << 20, location: place(44, 'grow') }] }),
    ];
    expect(new TestScreen('replay', [recordingOf(rows)]).type('5').text()).toMatch(
      /allocated, last sample +3 MiB.*grow .*:44/,
    );
  });

  test('handles says what the Node of the recording leaves out of its lists', () => {
    const text = (nodeVersion: string): string =>
      new TestScreen('replay', [recordingOf(seconds(3), { nodeVersion })]).type('3').text();
    expect(text('v24.21.0')).toMatch(/2 active: 2 Timeout *$/m);
    expect(text('v26.10.0')).toContain('2 Timeout (Node 26 does not list pending file operations)');
  });

  test('what is gone stays for some seconds, dim, and then goes', () => {
    const shown = (laterMs: number) => {
      const rows = [
        unfinished(2000, [entry({ location: place(30, 'ask') })]),
        unfinished(2000 + laterMs, [entry({ location: place(31, 'other') })]),
      ];
      const { lines } = new TestScreen('replay', [recordingOf(rows)]).type('4').screen();
      return lines.flat().find(({ text }) => text.includes('ask'))?.tone;
    };
    expect(shown(2000)).toBe('dim');
    expect(shown(8000)).toBeUndefined();
  });
});

describe('tables', () => {
  test('move, page, gg and G; the window follows', () => {
    const entries = Array.from({ length: 500 }, (_, i) =>
      entry({ alive: 1000 - i, location: place(i + 1, `call${i}`) }),
    );
    const screen = new TestScreen('live', [recordingOf([unfinished(2000, entries)])]).type('4');
    const at = (keys: string) => /call(\d+)/.exec(screen.type(keys).selected())?.[1];
    expect(at('')).toBe('0');
    expect(at('jj<down>k')).toBe('2');
    expect(at('G')).toBe('499');
    expect(at('j')).toBe('499');
    expect(at('<pageup>')).not.toBe('499');
    expect(at('gg')).toBe('0');
    expect(at('<up>')).toBe('0');
    expect(screen.act({ type: 'wheel', by: 3 }).selected()).toContain('call3 ');
    expect(screen.act({ type: 'size', columns: 100, rows: 16 }).type('G').selected()).toContain('call499 ');
  });

  test('h, l and a click choose the column that sorts, i inverts', () => {
    const screen = live(140).type('2');
    expect(screen.selected()).toContain('f20');
    expect(screen.type('h').text()).toContain('longest▼');
    expect(screen.type('h').text()).toContain('times▼');
    screen.type('gg');
    expect(screen.selected()).toContain('f10');
    expect(screen.type('igg').selected()).toContain('f20');
    expect(screen.type('l').text()).toContain('longest▼');
    const target = screen.screen().targets.find(({ action }) => action.type === 'sort' && action.column === 1)!;
    expect(screen.act(target.action).text()).toContain('times▼');
    expect(screen.act(target.action).text()).toContain('times▲');
  });

  test('the selection stays on its thing when new rows move it', () => {
    const screen = live().type('2j');
    expect(screen.selected()).toContain('f10');
    const more = recordingOf([...sick.rows, blocked(11_000, 10, 5000)]);
    screen.act({ type: 'recordings', recordings: [more] });
    expect(screen.selected()).toContain('f10');
    expect(screen.state.tables.stalls?.index).toBe(0);
  });

  test('a filter is typed, kept by Enter, left by Esc and cleared by c', () => {
    const screen = live().type('2/F20');
    expect(screen.lines().at(-1)).toContain('/F20');
    expect(screen.text()).not.toContain('f10');
    expect(screen.type('<enter>').text()).toContain('filter "F20"');
    expect(screen.type('c').text()).toContain('f10');
    expect(screen.type('/q<backspace>zz').text()).toContain('Nothing matches');
    expect(screen.effects).toEqual([]);
    expect(screen.type('<escape>').text()).toContain('f10');
  });

  test('Enter opens the details of the row, Esc closes them', () => {
    const screen = live().type('2<enter>');
    expect(screen.text()).toContain('Stalls: sync-fs (Esc closes)');
    expect(screen.text()).toContain('/srv/app.js:20:3 f20');
    expect(screen.text()).toContain('Stack for 900 ms');
    expect(screen.type('<escape>').text()).not.toContain('Esc closes');
  });

  test('columns come with the width', () => {
    const head = (columns: number) =>
      live(columns)
        .type('2')
        .lines()
        .find((line) => line.includes('kind'))!;
    expect(head(80)).not.toContain('last');
    expect(head(100)).toContain('last');
    expect(head(100)).not.toContain('on CPU');
    expect(head(120)).toContain('on CPU');
  });

  test('a click selects, another one opens', () => {
    const screen = live().type('2');
    const target = screen.screen().targets.find(({ action }) => action.type === 'item' && action.index === 1)!;
    expect(screen.act(target.action).selected()).toContain('f10');
    expect(screen.act(target.action).state.overlay).toMatchObject({ kind: 'details' });
  });
});

describe('live', () => {
  test('pause keeps the moment while collection goes on; going on shows the newest', () => {
    const screen = live().type('p2');
    const more = recordingOf([...sick.rows, blocked(11_000, 77, 5000)]);
    screen.act({ type: 'recordings', recordings: [more] });
    expect(screen.text()).toContain('paused');
    expect(screen.text()).not.toContain('f77');
    expect(screen.type(' ').text()).toContain('f77');
    expect(screen.text()).toContain('● live');
  });

  test('R forgets what was before', () => {
    const screen = live().type('2R');
    expect(screen.text()).toContain('No stall');
    screen.act({ type: 'recordings', recordings: [recordingOf([...sick.rows, blocked(11_000, 77, 5000)])] });
    expect(screen.text()).toContain('f77');
    expect(screen.text()).not.toContain('f20');
  });

  test('+ and − change how often it is drawn, within bounds', () => {
    const screen = live();
    expect(screen.type('+').state.refreshMs).toBe(500);
    expect(screen.type('--').state.refreshMs).toBe(2000);
    expect(screen.type('----------').state.refreshMs).toBe(10_000);
    expect(screen.type('++++++++++++').state.refreshMs).toBe(100);
  });

  test('q, Ctrl-C, d, s and y are left to the outside', () => {
    const screen = live().type('2dsyq<C-c>');
    expect(screen.effects).toEqual([
      { type: 'dump' },
      { type: 'save' },
      { type: 'copy', text: '/srv/app.js:20:3' },
      { type: 'quit' },
      { type: 'quit', signal: 'SIGINT' },
    ]);
  });

  test('the end freezes the view, says how it came, and can be replayed', () => {
    const ended = recordingOf([...sick.rows, { t: 11_000, type: 'end', reason: 'exit', exitCode: 7, signal: null }]);
    const screen = live().act({ type: 'recordings', recordings: [ended], ended: 'gone' });
    expect(screen.text()).toContain('■ ended');
    expect(screen.text()).toContain('exit code 7');
    expect(screen.type('d').text()).toContain('cannot be queried any more');
    expect(screen.type('2{').text()).not.toContain('f20');
  });

  test('Enter on a thread shows it in the other tabs', () => {
    const worker = recordingOf(
      [...second(1000), blocked(900, 99, 400)].sort((a, b) => a.t - b.t),
      { threadId: 2 },
    );
    const screen = new TestScreen('live', [sick, worker]).type('7');
    expect(screen.text()).toContain('worker 2');
    screen.type('/worker<enter><enter>2');
    expect(screen.text()).toContain('f99');
    expect(screen.text()).not.toContain('f20');
  });
});

describe('replay', () => {
  const at = (screen: TestScreen) => screen.state.atMs;

  test('begins at the end: first what came of it', () => {
    expect(at(replay())).toBe(10_000);
  });

  test('plays from the beginning by its own clock, at its speed, and stops at the end', () => {
    const screen = replay().type(' ');
    expect(at(screen)).toBe(0);
    expect(at(screen.act({ type: 'tick', ms: 500 }))).toBe(500);
    expect(at(screen.type('++').act({ type: 'tick', ms: 500 }))).toBe(2500);
    expect(screen.text()).toContain('×4');
    expect(at(screen.type('p').act({ type: 'tick', ms: 500 }))).toBe(2500);
    expect(at(screen.type('p').act({ type: 'tick', ms: 60_000 }))).toBe(10_000);
    expect(screen.state.playing).toBe(false);
  });

  test('speed is from 1/4 to 64', () => {
    expect(replay().type('++++++++++').state.speed).toBe(64);
    expect(replay().type('----------').text()).toContain('×1/4');
  });

  test('steps by event, both ways', () => {
    const screen = replay().type('{');
    expect([...'...'].map((key) => at(screen.type(key)))).toEqual([3000, 5000, 8000]);
    expect(screen.type('.').text()).toContain('No event there');
    expect(at(screen.type(','))).toBe(5000);
  });

  test('seeks, and shows what was known then', () => {
    const screen = replay().type('2');
    screen.act({ type: 'seek', share: 0.4 });
    expect(at(screen)).toBe(4000);
    expect(screen.text()).toContain('f10');
    expect(screen.text()).not.toContain('f20');
    expect(at(screen.type(']'))).toBe(4500);
    expect(at(screen.type('['))).toBe(4000);
    expect(at(screen.type('}'))).toBe(10_000);
  });

  test('marks when each finding was first there, and jumps to them', () => {
    const marks = inOneGo(markSteps([sick]));
    const blocks = marks.filter(({ finding }) => finding.rule === 'blocked-event-loop');
    expect(blocks.map(({ atMs }) => atMs)).toEqual([3000, 5000]);
    const screen = replay().type('{');
    expect(screen.text()).toMatch(/[!✗]/);
    expect(at(screen.type('n'))).toBe(3000);
    expect(at(screen.type('n'))).toBe(5000);
    expect(at(screen.type('N'))).toBe(3000);
  });

  test('while the findings are sampled for, n says so', () => {
    const state = { ...replay().state, marks: null };
    const { state: next, effects } = reduce(state, { type: 'key', key: 'n' }, () => []);
    expect(next.message).toContain('still being judged');
    expect(effects).toEqual([]);
  });

  test('a recording that is cut off says so', () => {
    expect(new TestScreen('replay', [{ ...sick, truncated: true }]).text()).toContain('cut off at its end');
  });

  test('what is for live processes is refused in words', () => {
    const screen = replay().type('ds');
    expect(screen.effects).toEqual([]);
    expect(screen.text()).toContain('This is a recording');
  });
});

describe('manners', () => {
  test('? lists the keys', () => {
    const screen = live(100, 40).type('?');
    for (const what of ['quit', 'filter', 'invert', 'pause the view', 'find leaks', 'seek'])
      expect(screen.text()).toContain(what);
    expect(screen.type('?').text()).not.toContain('these keys');
  });

  test('a terminal that is too small says what it needs and has', () => {
    const { lines } = screenOf(initialState('live', '', 40, 10), () => []);
    expect(lines.map(textOf).join('')).toContain('needs60 × 15, it has 40 × 10');
  });

  test('control characters in names reach no line', () => {
    const evil = '\x1b]0;owned\x07\x1b[2Jf\u202e\u009b31m';
    const location = { file: `/srv/${evil}.js`, line: 1, column: 1, function: evil };
    const rows = [
      ...seconds(5),
      stall({ location, stacks: [{ weightMs: 1, kind: 'json', frames: [frame(evil)], location }] }),
      unfinished(6000, [entry({ location, callers: [location], code: evil, detail: evil })]),
      { t: 7000, type: 'agent-error', message: evil } as Row,
    ];
    const screen = new TestScreen('live', [recordingOf(rows, { argv: ['node', evil], nodeVersion: evil })], 160);
    for (const keys of [...'12345678'].flatMap((digit) => [digit, '<enter>', '<escape>'])) {
      expect(screen.type(keys).text().replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    }
  });

  test('what terminals show alike is shown, in the width that it takes; the rest is a box', () => {
    const selected = (name: string) =>
      new TestScreen('live', [recordingOf([stall({ location: place(1, name) })])]).type('2').selected();
    expect(selected('漢字e\u0301한글ｘ')).toContain('漢字é한글ｘ /srv/app.js:1');
    expect(selected('👍⌚x\u0301\u{20000}')).toContain('□□x□□ /srv');
    for (const [name, width] of [
      ['漢字', 4],
      ['漢字', 5],
      ['handler漢', 9],
      ['a漢', 3],
    ] as const) {
      expect(columnsOf(fitTo(name.repeat(9), width)), `${name} in ${width}`).toBe(width);
      expect(columnsOf(fitTo(name.repeat(9), width, { keepEnd: true, right: true }))).toBe(width);
    }
    expect(fitTo('漢字漢字', 4)).toBe('漢… ');
    expect(fitTo('漢字漢字', 4, { keepEnd: true })).toBe('…字 ');
    expect(paragraph('漢字漢字 漢字漢字', 10).map(([span]) => span!.text)).toEqual(['漢字漢字', '漢字漢字']);
  });

  test('a recording of more rows than a call can have arguments', () => {
    const stalls = Array.from({ length: 150_000 }, (_, i) => blocked(10 * i + 10, 10, 5));
    const rows = stalls.flatMap((row, i) => [row, memory({ t: row.t, rssBytes: i })]);
    const screen = new TestScreen('live', [recordingOf(rows)], 100, 30, false);
    expect(screen.type('2').text()).toContain('f10');
    expect(screen.type('5').text()).toContain('resident set');
  });

  test('of 10 000 rows, those on the screen are formatted, and no others', () => {
    let formatted = 0;
    const items: readonly Item[] = Array.from({ length: 10_000 }, (_, i) => ({
      key: String(i),
      cells: () => {
        formatted++;
        return [`row ${i}`];
      },
      value: () => i,
      ...{ tone: 'plain', location: null, details: () => [] },
    }));
    const tab: Tab = {
      ...{ id: 'many', title: 'Many', columns: [{ title: 'what' }], sortColumn: 0 },
      ...{ empty: () => '', summary: () => [], items: () => items },
    };
    let state: State = { ...initialState('live', '', 120, 40, [tab]), tab: 'many' };
    const frame = (action: Action): number => {
      formatted = 0;
      state = reduce(state, action, () => []).state;
      screenOf(state, () => []);
      return formatted;
    };
    expect(frame({ type: 'recordings', recordings: [sick] })).toBeLessThanOrEqual(40);
    // A key looks at the screen before and after it.
    for (const key of ['j', 'pagedown', 'G', 'k', 'h', 'i', 'enter']) {
      expect(frame({ type: 'key', key }), key).toBeLessThanOrEqual(3 * 40);
    }
  });

  test('10 000 suspended calls: neither a key nor rows that tell nothing of them make a new table', () => {
    const entries = Array.from({ length: 10_000 }, (_, i) => entry({ location: place(i + 1, `call${i}`) }));
    const rows = [unfinished(2000, entries)];
    const screen = new TestScreen('live', [recordingOf(rows)], 120, 40, false).type('4');
    const before = shownItems(screen.state);
    expect(before.length).toBe(10_000);
    expect(shownItems(screen.type('jjG').state)).toBe(before);
    screen.act({ type: 'recordings', recordings: [recordingOf([...rows, memory({ t: 2500 })])] });
    expect(shownItems(screen.state)).toBe(before);
    expect(screen.selected()).toContain('call');
  });

  test('stalls that come are added to those that are known', () => {
    const rows = [blocked(1000, 10, 300), blocked(2000, 20, 300)];
    const screen = new TestScreen('live', [recordingOf(rows)], 120, 40).type('2');
    const [f10, f20] = ['f10', 'f20'].map((name) =>
      shownItems(screen.state).find(({ key }) => key.includes(`:${name.slice(1)}:`)),
    );
    screen.act({ type: 'recordings', recordings: [recordingOf([...rows, blocked(3000, 10, 700)])] });
    const items = shownItems(screen.state);
    expect(items).toContain(f20);
    expect(items).not.toContain(f10);
    expect(screen.text()).toMatch(/sync-fs +2 +700 ms +1 s/);
    // Back in time they are fewer.
    screen.act({ type: 'recordings', recordings: [recordingOf(rows)] });
    expect(screen.text()).toMatch(/sync-fs +1 +300 ms +300 ms .*f10/);
  });

  test('a parent that is met later becomes the root, and the time stays where it was', () => {
    const child = recordingOf([...sick.rows], { pid: 200, parentPid: 100, startMonotonicMs: 6000 });
    const screen = new TestScreen('live', [child]).type('p');
    expect(screen.state.atMs).toBe(10_000);
    const parent = recordingOf(seconds(14), { argv: ['/usr/bin/node', '/usr/bin/npm', 'start'] });
    screen.act({ type: 'recordings', recordings: [parent, child] });
    expect(screen.state.atMs).toBe(15_000);
    // What only starts the program is not what is shown.
    expect(screen.text()).toContain('main thread of pid 200 (2 of 2)');
    expect(screen.type('<').text()).toContain('main thread of pid 100 (1 of 2)');
    expect(screen.type('<').text()).toContain('main thread of pid 200');
  });

  test('processes stand below those that started them, also by way of a shell', () => {
    const member = (pid: number, parentPid: number, startMonotonicMs: number) => ({
      ...recordingOf(seconds(3), { pid, parentPid, startMonotonicMs }),
      path: `/out/family/main-${pid}`,
    });
    // 900 is a shell, 901 one that the first process has started.
    const family = [member(100, 900, 1), member(101, 901, 2), member(102, 101, 3), member(103, 900, 4)];
    const text = new TestScreen('live', family).type('7').text();
    expect(text).toMatch(/\n ● pid 100 .*\n {5}pid 101 .*\n {7}pid 102 .*\n {3}pid 103 /);
  });

  test('judgements that tell of later times are not shown', () => {
    const screen = replay();
    const { judged } = screen.state;
    screen.act({ type: 'seek', share: 0.1 });
    expect(screen.state.judged?.atMs).toBe(1000);
    screen.act({ type: 'report', ...judged! });
    expect(screen.state.judged?.atMs).toBe(1000);
    expect(screen.text()).not.toContain('f20');
  });
});
