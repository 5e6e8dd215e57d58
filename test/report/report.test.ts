import { describe, expect, test } from 'vitest';
import type { Finding } from '../../src/detectors/types.ts';
import { htmlReport } from '../../src/report/html.ts';
import { markdownReport } from '../../src/report/markdown.ts';
import { buildReport, hasFindingAt } from '../../src/report/report.ts';
import { summarize } from '../../src/report/summary.ts';
import { textReport } from '../../src/report/text.ts';
import type { Report } from '../../src/report/types.ts';
import { painter } from '../../src/util/terminal.ts';
import { stripControl, toJson } from '../../src/util/text.ts';
import {
  agentCost,
  cpu,
  delayRow,
  findingWith,
  location,
  recordingOf,
  stall,
  utilization,
} from '../support/recording.ts';

const PLAIN = { paint: painter(false), width: 80 };
/** Clears the screen, sets the title, and turns text around. */
const EVIL = '\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp.js\r\n<script>alert(1)</script>';
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const finding: Finding = findingWith({
  rule: 'blocked-event-loop',
  severity: 'critical',
  score: 50,
  kind: 'sync-fs',
  message: 'Reading files synchronously blocked the event loop for 412 ms.',
  remedy: 'Use node:fs/promises.',
  location,
  stack: [location, { ...location, function: 'caller' }],
  count: 17,
  confidence: 0.9,
  times: { maxMs: 412, totalMs: 3020 },
  evidence: { maxMs: 412, totalMs: 3020, cpuMs: 400, gcMs: 20, runQueueMs: 0, manyCallsShare: 0 },
  symptoms: [findingWith({ rule: 'gc-pressure', message: 'Slow requests.' })],
});
const evil: Finding = {
  ...finding,
  message: EVIL,
  remedy: EVIL,
  kind: EVIL,
  location: { ...location, file: `/srv/${EVIL}.js`, function: EVIL },
  stack: [{ ...location, function: EVIL }],
  evidence: { [EVIL]: 1, cpuMs: null, manyCallsShare: 0 },
  symptoms: [findingWith({ rule: EVIL, message: EVIL })],
};

function reportWith(findings: Finding[], argv = ['/usr/bin/node', '/srv/app.js']): Report {
  const report = buildReport([recordingOf([utilization(0.5), cpu(), delayRow(400)], { argv })]);
  const rules = [{ rule: 'growing-heap', outcome: 'no-data' as const, why: argv[1] ?? '' }];
  return { ...report, findings, rules };
}

describe('buildReport', () => {
  const rows = [delayRow(400), utilization(0.9), cpu(), agentCost(), agentCost({ t: 2000, mainThreadMs: 15 })];

  test('has the shape of evdiag-report/2', () => {
    const report = buildReport([recordingOf([...rows, stall({ t: 2100 })])]);
    expect(report.schema).toBe('evdiag-report/2');
    expect(report.recording).toMatchObject({
      pid: 100,
      format: 'evdiag-recording',
      durationMs: 2100,
      droppedRows: 0,
      overhead: { mainThreadShare: 0.01, watchdogShare: 0.02 },
    });
    expect(Object.keys(report).sort()).toEqual(['findings', 'recording', 'rules', 'schema', 'workload']);
    for (const { outcome } of report.rules) expect(['found', 'clear', 'no-data', 'error']).toContain(outcome);
    expect(JSON.parse(toJson(report))).toEqual(JSON.parse(JSON.stringify(report)));
  });

  test('overhead is null, not zero, where no row tells it', () => {
    const { overhead } = buildReport([recordingOf([])]).recording;
    expect(overhead).toEqual({ mainThreadShare: null, watchdogShare: null });
  });

  test('is compared with --fail-on by severity', () => {
    const report = reportWith([{ ...finding, severity: 'warning' }]);
    expect([hasFindingAt(report, 'info'), hasFindingAt(report, 'warning'), hasFindingAt(report, 'critical')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('names what could not be read', () => {
    expect(buildReport([recordingOf(rows)], ['"/x" is empty.']).unreadable).toEqual(['"/x" is empty.']);
  });
});

describe('text report', () => {
  test('shows what, where, how much and what to change', () => {
    const text = textReport(reportWith([finding]), [recordingOf([delayRow(400)])], PLAIN);
    for (const part of [
      '/usr/bin/node /srv/app.js',
      'pid 100, Node.js v20.11.0',
      '1 finding: 1 critical',
      'CRITICAL Reading files',
      '/srv/app.js:12:3 handler',
      '17 times · max 412 ms · total 3.02 s · CPU 400 ms',
      'collections 20 ms',
      'Also explains: gc-pressure: Slow requests.',
      '→ Use node:fs/promises.',
      'no-data  growing-heap',
    ]) {
      expect(text).toContain(part);
    }
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  test.each([
    { confidence: 0.95, word: 'sure' },
    { confidence: 0.8, word: 'likely' },
    { confidence: 0.5, word: 'a guess' },
  ])('says how sure the cause is, in every form for people: $word', ({ confidence, word }) => {
    const report = reportWith([{ ...finding, confidence }]);
    const wide = { ...PLAIN, width: 200 };
    for (const text of [textReport(report, [], wide), markdownReport(report), htmlReport(report, [])]) {
      expect(text).toContain(` · cause: ${word}`);
    }
    const judged = { recording: recordingOf([]), findings: [{ ...finding, confidence }], rules: [] };
    const [, line] = summarize([judged], { path: null });
    // At exit only doubt is worth words.
    expect(line).toBe(`evdiag: critical: ${finding.message}${word === 'sure' ? '' : ` (${word})`}`);
  });

  test('says plainly that nothing was found, and what was looked at', () => {
    const text = textReport(reportWith([]), [], PLAIN);
    expect(text).toContain('Nothing found: 0 rules are clear, 1 had no data over 1 s.');
  });

  test('rules that ended alike are one line, in every form for people', () => {
    const report = buildReport([recordingOf([utilization(0.5), cpu(), delayRow(400)], { level: 'watch' })]);
    const lacking = report.rules.filter(({ why }) => why.includes('level diagnose'));
    expect(lacking.length).toBeGreaterThan(10);
    const line = `${lacking.length} rules need level diagnose (EVDIAG`;
    const text = textReport(report, [], { ...PLAIN, width: 2000 });
    expect(text).toContain(`  no-data  ${line}_LEVEL=diagnose, or evdiag run): ${lacking[0]!.rule}, `);
    expect(markdownReport(report)).toContain(`|  | no-data | ${line}`);
    expect(htmlReport(report, [])).toContain(line);
    // JSON has each.
    expect(report.rules.length).toBeGreaterThan(20);
  });

  test('level diagnose is no cure for a recording of that level', () => {
    const report = buildReport([recordingOf([utilization(0.5), cpu(), delayRow(400)], { level: 'diagnose' })]);
    expect(JSON.stringify(report.rules)).not.toContain('level diagnose');
  });

  test('lets no control character of a recording through', () => {
    const report = reportWith([evil], ['/usr/bin/node', EVIL]);
    expect(textReport(report, [], PLAIN)).not.toMatch(CONTROL);
    expect(markdownReport(report)).not.toMatch(CONTROL);
    expect(htmlReport(report, [])).not.toMatch(CONTROL);
    expect(toJson(report)).not.toMatch(CONTROL);
  });

  test('shows the source line only of program text', () => {
    const file = new URL(import.meta.url).pathname;
    const here = textReport(reportWith([{ ...finding, location: { ...location, file, line: 1 } }]), [], PLAIN);
    expect(here).toContain("> 1 │ import { describe, expect, test } from 'vitest';");
    const secret = textReport(
      reportWith([{ ...finding, location: { ...location, file: '/etc/passwd', line: 1 } }]),
      [],
      PLAIN,
    );
    expect(secret).not.toContain('root:');
  });
});

describe('html report', () => {
  test('escapes everything and loads nothing', () => {
    const html = htmlReport(reportWith([evil], ['/usr/bin/node', EVIL]), [
      recordingOf([delayRow(1), delayRow(9, 2000)]),
    ]);
    expect(html).not.toContain('<script');
    expect(html).toContain('&lt;script&gt;');
    expect(html).not.toMatch(/(src|href)=|url\(|@import/);
    expect(html).toContain('<polyline');
  });

  test('places open in the editor that is wanted, and hostile names stay within the address', () => {
    const hostile = { ...evil, location: { ...location, file: '/srv/"><script>&x=1', line: 7 } };
    const html = htmlReport(reportWith([finding, hostile]), [], { editor: 'my://open?f={file}&l={line}' });
    expect(html).toContain('<a href="my://open?f=/srv/app.js&amp;l=12"><code>/srv/app.js:12:3 handler</code></a>');
    expect(html).toContain('href="my://open?f=/srv/%22%3E%3Cscript%3E%26x%3D1&amp;l=7"');
    expect(html).not.toContain('<script');
    expect(htmlReport(reportWith([finding]), [])).not.toContain('href');
  });
});

describe('markdown report', () => {
  test('keeps markup of the recording from working', () => {
    const markdown = markdownReport(reportWith([{ ...finding, message: '![x](http://e.org/a) <b>|`' }]));
    expect(markdown).toContain('\\!\\[x\\](http://e.org/a) \\<b\\>\\|\\`'.replace('\\!', '!'));
    expect(markdown).toContain('`/srv/app.js:12:3 handler`');
  });
});

describe('summarize', () => {
  const judgement = { findings: [finding], rules: [{ rule: 'x', outcome: 'found' as const, why: '' }] };

  test('what a finding explains is told with how often it was, and how long', () => {
    const symptoms = [{ ...finding, rule: 'blocked-event-loop', count: 16, times: { maxMs: 196, totalMs: 2470 } }];
    const judged = { ...judgement, findings: [{ ...finding, symptoms }], recording: recordingOf([delayRow(1)]) };
    const lines = summarize([judged], { path: null });
    expect(lines[2]).toContain('; explains blocked-event-loop (16 times, up to 196 ms)');
  });

  test('gives the place of the recording and two or three lines per finding', () => {
    const lines = summarize([{ ...judgement, recording: recordingOf([delayRow(1)]) }], {
      path: '/srv/.evdiag/20260101-000000-1',
    });
    expect(lines).toEqual([
      'evdiag: recorded 1 s in /srv/.evdiag/20260101-000000-1',
      'evdiag: critical: Reading files synchronously blocked the event loop for 412 ms.',
      'evdiag:   at /srv/app.js:12:3 handler; explains gc-pressure',
      'evdiag:   → Use node:fs/promises.',
      'evdiag: more: npx evdiag report /srv/.evdiag/20260101-000000-1',
    ]);
  });

  test('three lines are enough, whatever there is to say about the place', () => {
    const seen = { ...finding, threads: ['worker 1 of pid 100', 'worker 2 of pid 100'], threadCount: 2 };
    const places = [seen, { ...seen, location: null, symptoms: [] }, { ...finding, location: null, symptoms: [] }];
    const lines = summarize([{ ...judgement, findings: places, recording: recordingOf([delayRow(1)]) }], {
      path: null,
    });
    const threads = 'seen in 2 threads: worker 1 of pid 100, worker 2 of pid 100';
    expect(lines.filter((line) => /^evdiag: {3}[^→]/.test(line))).toEqual([
      `evdiag:   at /srv/app.js:12:3 handler; ${threads}; explains gc-pressure`,
      `evdiag:   ${threads}`,
    ]);
    expect(lines.filter((line) => line.startsWith('evdiag:   →'))).toHaveLength(3);
  });

  test('does not name a recording that could not be written', () => {
    const lines = summarize([{ ...judgement, recording: recordingOf([delayRow(1)]) }], { path: null });
    expect(lines[0]).toBe('evdiag: watched for 1 s, without a recording');
    expect(lines.join()).not.toContain('evdiag report');
  });

  test('is bounded, and tells too little data from health', () => {
    const many = summarize([{ ...judgement, findings: Array(50).fill(finding), recording: recordingOf([]) }], {
      path: '/x',
    });
    expect(many.length).toBeLessThan(30);
    const rules = [{ rule: 'x', outcome: 'no-data' as const, why: '' }];
    expect(summarize([{ findings: [], rules, recording: recordingOf([]) }], { path: '/x' }).join()).toContain(
      'too little data',
    );
  });

  test('lets no control character through', () => {
    const lines = summarize([{ ...judgement, findings: [evil], recording: recordingOf([]) }], { path: `/x/${EVIL}` });
    for (const line of lines) expect(line).toBe(stripControl(line));
  });
});

test('what rules could not see in this recording is said in all forms', () => {
  const report = buildReport([recordingOf([delayRow(5)])]);
  const unseen = ['Only 40 % of it was followed.'];
  const rules = report.rules.map((one, i) => (i < 2 ? { ...one, unseen } : one));
  const names = rules.slice(0, 2).map(({ rule }) => rule);
  for (const text of [
    textReport({ ...report, rules }, [], PLAIN),
    markdownReport({ ...report, rules }),
    htmlReport({ ...report, rules }, []),
  ]) {
    expect(text.split('Not seen here')[1]).toContain(unseen[0]);
    expect(text.split('Not seen here')[1]).toContain(names.join(', '));
  }
  expect(textReport(report, [], PLAIN)).not.toContain('Not seen here');
});
