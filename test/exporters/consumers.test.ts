import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { exporters } from '../../src/exporters/index.ts';
import { captureTrace } from '../../src/exporters/trace/capture-trace.ts';
import { traceEvents } from '../../src/exporters/trace/trace-events.ts';
import { MAX_EVENTS } from '../../src/exporters/trace/types.ts';
import { type CapturedThread, EventKind, KIND_BITS, TICKS_PER_US } from '../../src/protocol/async-trace.ts';
import { noBrowser, visit } from '../support/browser.ts';
import { inMemoryPanel, loadFile, showDevtools } from '../support/devtools.ts';
import { profileOf, threadOf } from '../support/profile.ts';
import { recordingOf, tempFolder } from '../support/recording.ts';
import { SICK_ROWS } from '../support/sick-recording.ts';

/** What the tools that our files are for make of them. */
const main = threadOf([
  ['handler;render', 300_000],
  ['(idle)', 400_000],
  ['handler;parse', 100_000],
  ['handler;render', 200_000],
]);
const time = profileOf([main, threadOf([['job;work', 50_000]], 'worker 2')]);
const bytes = profileOf([main], { unit: 'bytes', kind: 'in-use-space' });

function written(format: string, profile = time): string {
  const exporter = exporters.find(({ id }) => id === format)!;
  const file = join(tempFolder(), `profile.${exporter.extension}`);
  writeFileSync(file, exporter.write(profile));
  return file;
}

const noGo = spawnSync('go', ['version']).status !== 0;
if (noGo) console.warn('No Go is found: the test with go tool pprof is skipped. apt-get install golang-go');

describe.skipIf(noGo)('go tool pprof', () => {
  const top = (file: string, ...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('go', ['tool', 'pprof', '-top', ...args, file], { encoding: 'utf8' });
    expect(status, stderr).toBe(0);
    return stdout;
  };

  test('time of all threads', () => {
    const text = top(written('pprof'));
    expect(text).toMatch(/Type: wall/);
    expect(text).toMatch(/500ms\s+47\.62%.*\s+render$/m);
    expect(text).toMatch(/50ms .* work$/m);
    expect(top(written('pprof'), '-tagfocus=thread=worker 2')).not.toContain('render');
  });

  test('bytes', () => {
    expect(top(written('pprof', bytes))).toMatch(/Type: inuse_space[\s\S]*render$/m);
  });
});

/** Of the panel Performance: what it draws. */
const PANEL = `import('devtools://devtools/bundled/panels/timeline/timeline.js').then(({ TimelinePanel }) =>
  TimelinePanel.TimelinePanel.instance().flameChart.getMainDataProvider())`;

describe.skipIf(noBrowser)('Chrome DevTools', () => {
  test('.cpuprofile: its functions are there, with their times', () =>
    visit('about:blank', async ({ page }) => {
      await showDevtools(page, 'timeline');
      await loadFile(page, written('cpuprofile'));
      // What the flame chart draws: title and ms of each frame.
      const times = `${PANEL}.then((provider) => {
        const { entryTotalTimes } = provider.timelineData();
        const sums = {};
        entryTotalTimes.forEach((ms, i) => (sums[provider.entryTitle(i)] = (sums[provider.entryTitle(i)] ?? 0) + Math.round(ms)));
        return sums;
      })`;
      const drawn = () => page.evaluate(times).catch(String);
      // It gives the time between two samples to the one or the other.
      await expect.poll(drawn, { timeout: 60_000 }).toMatchObject({
        handler: expect.toSatisfy((ms: number) => ms >= 500 && ms <= 700),
        render: expect.toSatisfy((ms: number) => ms >= 400 && ms <= 600),
        parse: expect.toSatisfy((ms: number) => ms >= 50 && ms <= 150),
      });
    }));

  test('.heapprofile: the heavy view has functions and sizes', () =>
    inMemoryPanel(written('heapprofile', bytes), async (page) => {
      const grid = page.locator('.data-grid').last();
      await expect.poll(() => grid.innerText().catch(() => '')).toMatch(/500\skB[\s\S]*render/);
    }));

  test('a trace: its process is there', () =>
    visit('about:blank', async ({ page }) => {
      const file = join(tempFolder(), 'trace.json');
      const { events } = traceEvents([recordingOf([...SICK_ROWS])], []);
      writeFileSync(file, JSON.stringify({ traceEvents: events }));
      await showDevtools(page, 'timeline');
      await loadFile(page, file);
      const tracks = `${PANEL}.then((provider) => provider.timelineData().groups.map(({ name }) => name).join())`;
      await expect.poll(() => page.evaluate(tracks).catch(String), { timeout: 60_000 }).toContain('node app.js');
    }));

  test('a trace of a running process: its thread with the callbacks, by name and length', () =>
    visit('about:blank', async ({ page, complaints }) => {
      const file = join(tempFolder(), 'trace.json');
      const { events } = captureTrace({ pid: 100, argv: ['node', 'app.js'] }, [captured()], [], [], MAX_EVENTS);
      writeFileSync(file, JSON.stringify({ traceEvents: events }));
      await showDevtools(page, 'timeline');
      await loadFile(page, file);
      const shown = `${PANEL}.then((provider) => {
        const { groups, entryTotalTimes } = provider.timelineData();
        const slices = [...entryTotalTimes].map((ms, i) => provider.entryTitle(i) + ' ' + ms + ' ms');
        return [...groups.map(({ name }) => name), ...slices];
      })`;
      await expect
        .poll(() => page.evaluate(shown).catch(String), { timeout: 60_000 })
        .toEqual(
          expect.arrayContaining([
            expect.stringContaining('node app.js'),
            expect.stringContaining('main thread'),
            'Timeout first 1 ms',
            'Timeout arm app.js:10 5 ms',
          ]),
        );
      expect(complaints).toEqual([]);
    }));
});

/** A timer that was started in another one's callback, as the agent writes it. */
function captured(): CapturedThread {
  const { Before, Init, After } = EventKind;
  const types = ['', 'evdiag', '(other)', 'Timeout', 'Timeout first'];
  const place = { function: 'arm', file: '/srv/app.js', line: 10, column: 1, category: 'application' as const };
  const words = [
    [Before, 4, 1, 0, 0, 1000],
    [Init, 3, 9, 1, 1, 1500],
    [After, 0, 1, 0, 0, 2000],
    [Before, 0, 9, 0, 0, 12_000],
    [After, 0, 9, 0, 0, 17_000],
  ].map(([kind, type, id, other, site, us]) => [kind! | (type! << KIND_BITS), id!, other!, site!, us! * TICKS_PER_US]);
  const about = { threadId: 0, startMonotonicMs: 0, spanMs: 20, types, dropped: 0, fullMs: null };
  return { ...about, events: Int32Array.from(words.flat()), sites: [[place]] };
}

describe.skipIf(noBrowser)('speedscope', () => {
  const app = join(
    dirname(createRequire(import.meta.url).resolve('speedscope/package.json')),
    'dist/release/index.html',
  );

  test.each([
    ['speedscope', 'app.speedscope.json'],
    ['cpuprofile', 'app.cpuprofile'],
    ['pprof', 'app.pb.gz'],
    ['collapsed', 'app.txt'],
  ])('%s: the table of functions', (format, name) => {
    const folder = tempFolder({
      'profile.js': `speedscope.loadFileFromBase64(${JSON.stringify(name)}, ${JSON.stringify(readFileSync(written(format)).toString('base64'))})`,
    });
    return visit(`${pathToFileURL(app).href}#localProfilePath=${join(folder, 'profile.js')}`, async ({ page }) => {
      await page.getByText('Sandwich').click();
      await expect.poll(() => page.locator('body').innerText()).toMatch(/render/);
      expect(await page.locator('body').innerText()).toMatch(/handler/);
    });
  });
});
