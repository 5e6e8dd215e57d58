import { describe, expect, test } from 'vitest';
import type { Profile, ThreadProfile } from '../../../src/profile/types.ts';
import { relationsOf } from '../../../src/tui/state/profile/relations.ts';
import { shownItems } from '../../../src/tui/state/state.ts';
import type { ShownProfile } from '../../../src/tui/state/types.ts';
import { functionOf, profileOf, stacksOf, threadOf } from '../../support/profile.ts';
import { header, recordingOf, second, seconds, stall } from '../../support/recording.ts';
import { TestScreen } from '../../support/screen.ts';

const place = (name: string) => ({ file: `/srv/${name}.js`, line: 10, column: 5, function: name });
const blocked = (startMs: number, name: string, durationMs = 300) =>
  stall({ t: startMs + durationMs, startMs, durationMs, location: place(name) });

/** Ten seconds; stalls at 1 s, 3 s and 5 s. */
const sick = recordingOf(
  [...seconds(9), blocked(1000, 'early'), blocked(3000, 'parse'), blocked(5000, 'early'), blocked(8000, 'late')].sort(
    (a, b) => a.t - b.t,
  ),
);

/** From 2.9 s to 5.9 s of the recording: `parse` is hot in the first stall, `render` in the second. */
const samples: [string, number][] = [
  ['(idle)', 100_000],
  ['serve;parse', 280_000],
  ['serve;parse;(garbage collector)', 20_000],
  ['(idle)', 1_700_000],
  ['serve;render', 200_000],
  ['serve;render;escape', 80_000],
  ['serve', 20_000],
  ['(idle)', 590_000],
  ['log', 10_000],
];

function shown(
  fields: Partial<ShownProfile> = {},
  threads: readonly ThreadProfile[] = [threadOf(samples)],
): ShownProfile {
  return {
    ...{ id: 'a', name: 'taken at 2.9 s', pid: header.pid, profile: profileOf(threads), problem: null },
    threads: [{ threadId: 0, startMonotonicMs: header.startMonotonicMs + 2900, spanMs: 3000 }],
    ...fields,
  };
}

const withProfile = (profile = shown(), mode: 'live' | 'replay' = 'live', columns = 120) =>
  new TestScreen(mode, [sick], columns, 40).act({ type: 'profile', profile });

/** The table's lines, without the spaces between. */
function rows(screen: TestScreen): string[] {
  const lines = screen.lines();
  const head = lines.findIndex((line) => line.includes('total %'));
  return lines
    .slice(head + 1, -1)
    .filter((line) => line !== '')
    .map((line) => line.trim().replace(/ +/g, ' '));
}

describe('the table of functions', () => {
  test('without a profile it says how to get one', () => {
    expect(new TestScreen('live', [sick], 120).type('8').text()).toContain('f starts one and f again stops it');
    expect(new TestScreen('replay', [sick], 120).type('8').text()).toContain('profiles beside it are shown');
  });

  test('a profile that was taken is shown, with what it stands on', () => {
    const screen = withProfile();
    expect(screen.state.tab).toBe('profile');
    expect(screen.text()).toContain('CPU profile  taken at 2.9 s · 9 samples in 3 s, one every 1 ms');
    expect(screen.text()).toContain('busy 20 % · collector 0.7 % · idle 80 %');
    expect(screen.text()).toContain('all of it, 2.9 s to 5.9 s');
    expect(rows(screen)).toEqual([
      '45.9 280 ms 49.2 300 ms parse application /srv/app/parse.ts:10',
      '32.8 200 ms 45.9 280 ms render application /srv/app/render.ts:10',
      '13.1 80 ms 13.1 80 ms escape application /srv/app/escape.ts:10',
      '3.3 20 ms 98.4 600 ms serve application /srv/app/serve.ts:10',
      '3.3 20 ms 3.3 20 ms (garbage collector) gc',
      '1.6 10 ms 1.6 10 ms log application /srv/app/log.ts:10',
    ]);
  });

  test('sorts by column, filters, and keeps what is selected', () => {
    const screen = withProfile().type('ll');
    expect(rows(screen)[0]).toContain(' serve ');
    expect(rows(screen.type('i'))[0]).toContain(' log ');
    expect(rows(screen.type('/render<enter>'))).toHaveLength(1);
    expect(rows(screen.type('c'))).toHaveLength(6);
  });

  test('the bars stand where the thread was busy', () => {
    const bars = withProfile()
      .text()
      .match(/busy ([▁▂▃▄▅▆▇█]+)/)![1]!;
    expect(bars).toHaveLength(60);
    expect(bars.slice(2, 8)).toBe('██████');
    expect(bars.slice(9, 41)).toBe('▁'.repeat(32));
    expect(bars.slice(42, 48)).toBe('██████');
  });

  test('Enter shows callers, callees and the heaviest path', () => {
    const text = withProfile().type('j<enter>').text().replace(/ +/g, ' ');
    expect(text).toContain('itself 200 ms, 33 %');
    expect(text).toContain('with what it calls 280 ms, 46 %');
    expect(text).toMatch(/Called by\n 100 % 280 ms serve /);
    expect(text).toMatch(/Calls\n 29 % 80 ms escape /);
    expect(text).toMatch(/Heaviest path, outermost first\n 600 ms serve .*\n 280 ms > render .*\n$/m);
  });

  test('hot lines come with their share, the hottest first', () => {
    const thread = threadOf([['work', 1000]]);
    const node = Uint32Array.of(1, 1);
    const lines = { node, line: Uint32Array.of(12, 14), weight: Float64Array.of(300, 700) };
    const text = withProfile(shown({}, [{ ...thread, lines }]))
      .type('<enter>')
      .text()
      .replace(/ +/g, ' ');
    expect(text).toMatch(
      /Hottest lines.*\n 70 % 0\.7 ms \/srv\/app\/work\.ts:14\n 30 % 0\.3 ms \/srv\/app\/work\.ts:12/,
    );
  });

  test('allocations are in bytes, and have no times', () => {
    const thread = { ...threadOf([['build', 4096]]), samples: null };
    const profile = profileOf([thread], { unit: 'bytes', kind: 'in-use-space' });
    const own = { threadId: 0, startMonotonicMs: null, spanMs: 0 };
    const screen = withProfile(shown({ profile, threads: [own] }));
    expect(screen.text()).toContain('allocated and still alive');
    expect(rows(screen)).toEqual(['100.0 4 KiB 100.0 4 KiB build application /srv/app/build.ts:10']);
    expect(screen.text()).not.toContain('idle');
  });
});

describe('relations', () => {
  const frameOf = (name: string) => functionOf(name);

  test('of a recursive function, its whole counts once, and so does what it calls', () => {
    const thread = threadOf([
      ['main;walk;walk;leaf', 10],
      ['main;walk;leaf;walk;leaf', 5],
      ['other;walk', 1],
    ]);
    const { self, total, callers, callees } = relationsOf(thread, frameOf('walk'));
    const named = (all: typeof callers) => all.map(({ frame, weight }) => [thread.frames[frame]!.function, weight]);
    expect({ self, total }).toEqual({ self: 1, total: 16 });
    expect(named(callers)).toEqual([
      ['main', 15],
      ['other', 1],
    ]);
    expect(named(callees)).toEqual([['leaf', 15]]);
  });

  test('a function that was never called is nothing, and no error', () => {
    expect(relationsOf(threadOf([['main', 1]]), frameOf('gone'))).toMatchObject({ total: 0, path: [], callers: [] });
  });
});

test('details are titled by the function, also of what has no place', () => {
  const screen = withProfile().type('8<enter>');
  expect(screen.text()).toContain('Profile: parse (Esc closes)');
  screen.type('<escape>/garbage<enter><enter>');
  expect(screen.text()).toContain('Profile: (garbage collector) (Esc closes)');
});

describe('the tree', () => {
  test('t shows the calls, the heavy ones unfolded; ← and → fold, unfold and move', () => {
    const screen = withProfile().type('t');
    expect(rows(screen)).toEqual([
      '3.3 20 ms 98.4 600 ms ▼ serve application /srv/app/serve.ts:10',
      '45.9 280 ms 49.2 300 ms ▼ parse application /srv/app/parse.ts:10',
      '3.3 20 ms 3.3 20 ms (garbage collector) gc',
      '32.8 200 ms 45.9 280 ms ▼ render application /srv/app/render.ts:10',
      '13.1 80 ms 13.1 80 ms escape application /srv/app/escape.ts:10',
      '1.6 10 ms 1.6 10 ms log application /srv/app/log.ts:10',
    ]);
    expect(screen.text()).not.toContain('self %▼');
    expect(screen.type('<right>').selected()).toContain('▼ parse');
    expect(rows(screen.type('<left>')).map((row) => row.match(/[▼▶] \w+/)?.[0] ?? null)).toContain('▶ parse');
    expect(rows(screen)).toHaveLength(5);
    expect(screen.selected()).toContain('▶ parse');
    expect(screen.type('h').selected()).toContain('▼ serve');
    expect(rows(screen.type('h'))).toHaveLength(2);
    expect(rows(screen.type('l'))).toHaveLength(5);
    expect(screen.type('jl').selected()).toContain('▼ parse');
    // A leaf has nothing to unfold.
    expect(screen.type('l').selected()).toContain('(garbage collector)');
    expect(screen.type('l').selected()).toContain('(garbage collector)');
    expect(screen.type('<enter>').text()).toContain('Heaviest path');
  });

  test('a second t shows functions with those that call them', () => {
    const screen = withProfile(shown({}, [threadOf([...samples, ['log;escape', 20_000]])])).type('tt');
    expect(screen.text()).toContain('functions and their callers');
    expect(rows(screen).slice(0, 7)).toEqual([
      '44.4 280 ms ▼ parse application /srv/app/parse.ts:10',
      '44.4 280 ms serve application /srv/app/serve.ts:10',
      '31.7 200 ms ▼ render application /srv/app/render.ts:10',
      '31.7 200 ms serve application /srv/app/serve.ts:10',
      '15.9 100 ms ▼ escape application /srv/app/escape.ts:10',
      '12.7 80 ms ▶ render application /srv/app/render.ts:10'.replace('▶', '▼'),
      '12.7 80 ms serve application /srv/app/serve.ts:10',
    ]);
    expect(screen.type('t').text()).toContain('self %▼');
  });

  test('a call that is 1000 deep', () => {
    const deep = Array.from({ length: 1000 }, (_, i) => `f${i}`).join(';');
    const screen = withProfile(shown({}, [threadOf([[deep, 1000]])])).type('tG');
    expect(screen.selected()).toContain('f999');
    expect(screen.type('<enter>').text()).toContain('989 more above');
    // Folded and unfolded, what is selected stays on the screen.
    screen.type(`<escape>${'h'.repeat(12)}`);
    expect(screen.selected()).toMatch(/f9\d\d/);
    expect(screen.type('l'.repeat(6)).selected()).toMatch(/f9\d\d/);
  });
});

describe('the time of a stall', () => {
  test('r shows the stall that the profile has seen, in all views; r again leaves it', () => {
    const screen = withProfile().type('2');
    expect(screen.text()).toContain('r shows the stall in a CPU profile from 2.9 s to 5.9 s');
    screen.type('/early<enter>r');
    expect(screen.state.tab).toBe('profile');
    expect(screen.text()).toContain('5 s to 5.3 s: the stall of 300 ms at 5 s · r leaves it');
    expect(rows(screen)[0]).toBe('66.7 200 ms 93.3 280 ms render application /srv/app/render.ts:10');
    expect(screen.text()).not.toContain('parse');
    expect(screen.type('<enter>').text()).toContain('V8 reports no lines for this part');
    expect(screen.type('<escape>t').text()).not.toContain('parse');
    expect(screen.type('r').text()).toContain('parse');
    expect(screen.text()).toContain('all of it');
  });

  test('of a group, the longest stall that was seen as a whole; else one that was seen in part', () => {
    const cases = [
      [[blocked(2500, 'slow', 900), blocked(3500, 'slow', 100), blocked(4000, 'slow', 200)], '200 ms at 4 s · r'],
      [[blocked(100, 'slow', 900), blocked(2500, 'slow', 900)], '900 ms at 2.5 s, in part · r'],
    ] as const;
    for (const [stalls, words] of cases) {
      const screen = new TestScreen('live', [recordingOf([...seconds(2), ...stalls])], 120, 40);
      expect(screen.act({ type: 'profile', profile: shown() }).type('2r').text()).toContain(words);
    }
  });

  test('a stall that no profile has seen says so', () => {
    const screen = withProfile().type('2/late<enter>r');
    expect(screen.state.tab).toBe('stalls');
    expect(screen.text()).toContain('No profile covers that stall: the newest runs from 2.9 s to 5.9 s.');
    expect(new TestScreen('live', [sick]).type('2r').text()).toContain('This thread has no CPU profile');
  });

  test('a profile whose time is not known has no stalls in it', () => {
    const threads = [{ threadId: 0, startMonotonicMs: null, spanMs: 3000 }];
    const screen = withProfile(shown({ threads })).type('2');
    expect(screen.text()).not.toContain('r shows the stall');
    expect(screen.type('r').text()).toContain('with times');
  });
});

describe('threads and several profiles', () => {
  const worker = recordingOf(second(1000), { threadId: 2 });
  const both = shown(
    {
      threads: [0, 2].map((threadId) => ({ threadId, startMonotonicMs: header.startMonotonicMs, spanMs: 3000 })),
    },
    [threadOf(samples), threadOf([['compress', 5000]], 'worker 2')],
  );

  test('< and > choose the thread whose profile is shown', () => {
    const screen = new TestScreen('live', [sick, worker], 120, 40).act({ type: 'profile', profile: both });
    expect(screen.text()).toContain('parse');
    expect(screen.text()).toContain('2 threads');
    expect(rows(screen.type('>'))).toEqual(['100.0 5 ms 100.0 5 ms compress application /srv/app/compress.ts:10']);
    const alone = new TestScreen('live', [sick, worker], 120, 40).act({ type: 'profile', profile: shown() });
    expect(alone.type('>').text()).toContain('This thread has no profile, but another one has');
  });

  test('o goes to the one before, and the newest is shown first', () => {
    const screen = withProfile();
    const later = shown({ id: 'b', name: 'taken at 7 s' }, [threadOf([['later', 1000]])]);
    screen.act({ type: 'profile', profile: later });
    expect(screen.text()).toContain('(1 of 2, o)  taken at 7 s');
    expect(screen.type('o').text()).toContain('(2 of 2, o)  taken at 2.9 s');
    expect(screen.type('o').text()).toContain('later');
  });

  test('of those taken live, the newest four are kept', () => {
    const screen = withProfile();
    for (const id of ['b', 'c', 'd', 'e']) screen.act({ type: 'profile', profile: shown({ id }) });
    expect(screen.state.profiles.all.map(({ id }) => id)).toEqual(['e', 'd', 'c', 'b']);
  });

  test('those beside the recording come behind those that were taken, when the process has ended', () => {
    const screen = withProfile().act({ type: 'profiles', profiles: [shown({ id: '/out/x', profile: null })] });
    expect(screen.text()).toContain('(1 of 2, o)  taken at 2.9 s');
    expect(screen.type('o').effects).toEqual([{ type: 'read-profile', id: '/out/x' }]);
    screen.act({ type: 'profile', profile: shown({ id: '/out/x' }) });
    screen.act({ type: 'profiles', profiles: [shown({ id: '/out/x', profile: null })] });
    expect(rows(screen)).toHaveLength(6);
    expect(screen.effects).toHaveLength(1);
  });

  test('one beside a recording is read when it is shown, once', () => {
    const unread = shown({ profile: null });
    const screen = new TestScreen('replay', [sick], 120, 40).act({ type: 'profiles', profiles: [unread] });
    expect(screen.effects).toEqual([]);
    expect(screen.type('8').text()).toContain('The profile is being read');
    expect(screen.type('jk').effects).toEqual([{ type: 'read-profile', id: 'a' }]);
    screen.act({ type: 'profile', profile: shown() });
    expect(rows(screen)).toHaveLength(6);
    expect(screen.type('18').effects).toHaveLength(1);
    screen.act({ type: 'profile', profile: shown({ profile: null, problem: 'it is cut off.' }) });
    expect(screen.text()).toContain('it is cut off.');
    expect(screen.effects).toHaveLength(1);
  });
});

describe('while one is taken', () => {
  test('every tab says since when, and how to end it', () => {
    const screen = new TestScreen('live', [sick], 120, 40).act({ type: 'profiling', pid: 100 });
    screen.act({ type: 'tick', ms: 2500 });
    expect(screen.lines().at(-1)).toContain('● profile, 2.5 s: f ends it');
    expect(screen.type('8').text()).toContain('● process 100 is being profiled for 2.5 s: f ends it');
    screen.act({ type: 'profile', profile: shown() });
    expect(screen.text()).not.toContain('f ends it');
  });

  test('one that comes while a filter is typed waits in its tab', () => {
    const screen = new TestScreen('live', [sick], 120, 40).type('2/ear').act({ type: 'profile', profile: shown() });
    expect(screen.type('ly<enter>').state.tables.stalls!.filter).toBe('early');
    expect(screen.state.tab).toBe('stalls');
    expect(screen.type('t').text()).toContain('functions (t)');
  });

  test('one that did not come is said to be lost, until there is another one', () => {
    const screen = new TestScreen('live', [sick], 120, 40).act({ type: 'profiling', pid: 100 });
    screen.act({ type: 'profile-lost', why: 'The profile is lost. Process 100 ended.' }).type('8j');
    expect(screen.text()).toContain('✗ The profile is lost.');
    expect(screen.text()).not.toContain('f ends it');
    expect(screen.act({ type: 'profiling', pid: 100 }).text()).not.toContain('lost');
  });
});

describe('written to a file', () => {
  const written = (screen: TestScreen) => {
    const effect = screen.effects.at(-1);
    return effect?.type === 'write-profile' ? effect : null;
  };

  test('w offers a name; what is typed goes there and nowhere else', () => {
    const screen = withProfile().type('w');
    expect(screen.lines().at(-1)).toContain('write to: 100.speedscope.json▏');
    expect(screen.type('<C-u>q8?.svg').lines().at(-1)).toContain('write to: q8?.svg▏');
    expect(screen.state.tab).toBe('profile');
    expect(screen.type('<backspace><backspace>vg<enter>').state.fileName).toBeNull();
    expect(written(screen)).toMatchObject({ file: 'q8?.svg' });
    expect(screen.type('w<escape>').state.fileName).toBeNull();
    expect(screen.effects).toHaveLength(1);
  });

  test('an ending that is not known lists those that are, and the name can be mended', () => {
    const screen = withProfile().type('w<C-u>a.foo<enter>');
    expect(screen.lines().at(-1)).toMatch(/write to: a\.foo▏ It may end in \.txt \.cpuprofile .*\.svg/);
    expect(screen.effects).toEqual([]);
    expect(written(screen.type('<backspace><backspace><backspace>md<enter>'))).toMatchObject({ file: 'a.md' });
  });

  test('without a profile there is nothing to write', () => {
    const screen = new TestScreen('live', [sick]).type('2');
    for (const key of 'wto') {
      expect(screen.type(key).text()).toContain('This thread has no profile');
      expect(screen.state).toMatchObject({ tab: 'stalls', fileName: null });
    }
  });

  test('of a range, what is shown; the chosen thread first', () => {
    const threads = [0, 2].map((threadId) => ({ threadId, startMonotonicMs: header.startMonotonicMs, spanMs: 3000 }));
    const profile: Profile = profileOf([threadOf(samples), threadOf([['compress', 3_000_000]], 'worker 2')]);
    const worker = recordingOf([blocked(500, 'compress', 400)], { threadId: 2 });
    const screen = new TestScreen('live', [sick, worker], 120, 40).act({
      type: 'profile',
      profile: shown({ profile, threads }),
    });
    const { threads: parts } = written(screen.type('>2rw<enter>'))!.profile;
    expect(parts.map(({ name }) => name)).toEqual(['worker 2', 'main thread']);
    expect(stacksOf(parts[0]!)).toEqual({ compress: 400_000 });
    expect(stacksOf(parts[1]!)).toEqual({ '(idle)': 400_000 });
  });
});

describe('manners', () => {
  test('L asks for the other level, of a live process only', () => {
    const screen = new TestScreen('live', [sick]).type('L');
    expect(screen.effects).toEqual([{ type: 'level', level: 'watch' }]);
    const lowered = recordingOf([...sick.rows, { t: 10_500, type: 'level', level: 'watch' }]);
    screen.act({ type: 'recordings', recordings: [lowered] });
    expect(screen.text()).toContain('level watch');
    expect(screen.type('L').effects.at(-1)).toEqual({ type: 'level', level: 'diagnose' });
    const replay = new TestScreen('replay', [sick]).type('L');
    expect(replay.effects).toEqual([]);
    expect(replay.text()).toContain('This is a recording');
  });

  test('all keys fit a terminal of 80 × 24', () => {
    const screen = new TestScreen('live', [sick], 80, 24).type('?');
    const { shown: lines, total } = screen.screen();
    expect(total).toBeLessThanOrEqual(lines);
    expect(screen.lines().slice(4).join('\n')).not.toContain('…');
    for (const what of ['start, stop a CPU profile', 'level: watch, diagnose', 'write it to a file'])
      expect(screen.text()).toContain(what);
  });

  test.each([60, 80, 100, 160])('control characters in names reach no line, %i columns wide', (columns) => {
    const evil = '\x1b]0;owned\x07\x1b[2Jf\u202e\u009b31m';
    const thread = threadOf([
      [`${evil};inner`, 500],
      [`${evil}`, 500],
    ]);
    const screen = withProfile(shown({ name: evil }, [thread]), 'live', columns);
    for (const keys of ['', 't', '<enter>', '<escape>t', '<enter>', '<escape>t<enter>']) {
      expect(screen.type(keys).text().replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
      expect(Math.max(...screen.lines().map((line) => line.length))).toBeLessThanOrEqual(columns);
    }
  });

  test('of 50 000 functions, the rows are made once, and those on the screen are written out', () => {
    const many = threadOf(
      Array.from({ length: 50_000 }, (_, i) => [`main;part${i % 300};f${i}`, 10 + (i % 70)] as const),
    );
    const screen = withProfile(shown({}, [many]));
    let written = 0;
    const items = shownItems(screen.state);
    expect(items).toHaveLength(50_301);
    for (const item of items) {
      const { cells } = item;
      item.cells = (atMs) => {
        written++;
        return cells(atMs);
      };
    }
    const more = recordingOf([...sick.rows, ...second(10_500)]);
    for (const act of [
      () => screen.type('j'),
      () => screen.type('<pagedown>'),
      () => screen.act({ type: 'recordings', recordings: [more] }),
      () => screen.act({ type: 'tick', ms: 1000 }),
    ]) {
      written = 0;
      act();
      screen.screen();
      expect(written).toBeLessThanOrEqual(3 * 40);
      expect(shownItems(screen.state)).toBe(items);
    }
    const branches = shownItems(screen.type('t').state);
    expect(shownItems(screen.type('j').act({ type: 'tick', ms: 1000 }).state)).toBe(branches);
  });
});
