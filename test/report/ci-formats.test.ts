/** What CI servers read: each form is read back as they do, also where the recording is hostile. */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import type { Log, Result } from 'sarif';
import { describe, expect, test } from 'vitest';
import type { Finding, RuleResult } from '../../src/detectors/types.ts';
import { githubReport } from '../../src/report/github.ts';
import { junitReport } from '../../src/report/junit.ts';
import { buildReport } from '../../src/report/report.ts';
import { sarifReport } from '../../src/report/sarif.ts';
import type { Report } from '../../src/report/types.ts';
import { cpu, delayRow, findingWith, location, recordingOf, utilization } from '../support/recording.ts';

const EVIL = '\x1b[2J\u202egnp.js\r\n::error::]]><x a="1">&%0A,:';
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;

const finding = findingWith({
  rule: 'blocked-event-loop',
  severity: 'warning',
  kind: 'sync-fs',
  message: 'Blocked for 412 ms: 50 % of it, at once.',
  remedy: 'Use node:fs/promises.',
  location,
  stack: [location, { ...location, function: 'caller' }],
});
const evil: Finding = {
  ...finding,
  message: EVIL,
  remedy: EVIL,
  location: { ...location, file: `/srv/${EVIL}.js`, function: EVIL },
};

function reportWith(findings: Finding[], rules: RuleResult[] = []): Report {
  const report = buildReport([recordingOf([utilization(0.5), cpu(), delayRow(400)])]);
  return { ...report, findings, rules: rules.length > 0 ? rules : report.rules };
}

/** As the runner of GitHub Actions reads a line. */
function commandOf(line: string) {
  const [, command, list, data] = /^::(\w+) (.*?)::(.*)$/.exec(line)!;
  const decode = (text: string) => text.replace(/%0D/g, '\r').replace(/%0A/g, '\n').replace(/%25/g, '%');
  const properties = list!.split(',').map((pair) => {
    const at = pair.indexOf('=');
    return [
      pair.slice(0, at),
      decode(
        pair
          .slice(at + 1)
          .replace(/%3A/g, ':')
          .replace(/%2C/g, ','),
      ),
    ];
  });
  return { command, data: decode(data!), ...Object.fromEntries(properties) };
}

describe('github', () => {
  const linesOf = (...findings: Finding[]) => githubReport(reportWith(findings), '/srv').trimEnd().split('\n');

  test('an annotation has its line in the checkout, and a line sums up', () => {
    const [annotation, sum] = linesOf({ ...finding, severity: 'critical' });
    expect(commandOf(annotation!)).toMatchObject({
      command: 'error',
      file: 'app.js',
      line: '12',
      col: '3',
      title: 'evdiag: blocked-event-loop',
      data: expect.stringMatching(
        /^Blocked for 412 ms: 50 % of it, at once\.\n.*cause: .*\n→ Use node:fs\/promises\.\nhttps:/,
      ),
    });
    expect(sum).toBe('evdiag: 1 finding: 1 critical');
  });

  test('a file outside of the checkout is named in the text; information is counted only', () => {
    const [annotation, sum, ...rest] = linesOf(
      { ...finding, location: { ...location, file: '/opt/lib.js' } },
      { ...finding, severity: 'info' },
    );
    expect(commandOf(annotation!)).not.toHaveProperty('file');
    expect(commandOf(annotation!).data).toContain('/opt/lib.js:12:3 handler');
    expect([sum, rest]).toEqual(['evdiag: 2 findings: 1 warning, 1 info', []]);
  });

  test('no text of a recording begins a command of its own', () => {
    const lines = linesOf(evil);
    expect(lines).toHaveLength(2);
    expect(lines.join('')).not.toMatch(CONTROL);
    expect(commandOf(lines[0]!).data).toContain('::error::');
  });
});

describe('sarif', () => {
  const logOf = (...findings: Finding[]): Log => JSON.parse(sarifReport(reportWith(findings), '/srv'));
  const resultOf = (one: Finding): Result => logOf(one).runs[0]!.results![0]!;

  test('a result has its rule, level, place and stack', () => {
    const log = logOf(finding);
    const [run] = log.runs;
    const result = run!.results![0]!;
    expect(log.version).toBe('2.1.0');
    expect(run!.originalUriBaseIds).toEqual({ SRCROOT: { uri: 'file:///srv/' } });
    expect(run!.tool.driver.rules![result.ruleIndex!]).toMatchObject({
      id: result.ruleId,
      helpUri: expect.stringMatching(/^https:/),
    });
    expect(result.level).toBe('warning');
    expect(result.locations![0]!.physicalLocation).toEqual({
      artifactLocation: { uri: 'app.js', uriBaseId: 'SRCROOT' },
      region: { startLine: 12, startColumn: 3 },
    });
    expect(result.stacks![0]!.frames.map(({ location }) => location!.logicalLocations![0]!.name)).toEqual([
      'handler',
      'caller',
    ]);
  });

  test.each<[string, Partial<Finding>, boolean]>([
    ['another line', { location: { ...location, line: 99 } }, true],
    ['another function', { location: { ...location, function: 'other' } }, false],
    ['another kind', { kind: 'sync-crypto' }, false],
    ['other words', { message: 'Blocked for 3 s.' }, true],
  ])('the fingerprint with %s', (_what, fields, same) => {
    const of = (one: Finding) => resultOf(one).partialFingerprints;
    expect(JSON.stringify(of({ ...finding, ...fields })) === JSON.stringify(of(finding))).toBe(same);
  });

  test('places outside of the checkout, of nobody, without a line, and hostile ones', () => {
    const placeOf = (one: Finding) => resultOf(one).locations?.[0]?.physicalLocation;
    expect(resultOf({ ...finding, location: null }).locations).toEqual([]);
    const elsewhere = placeOf({ ...finding, location: { ...location, file: '/opt/a b.js', line: 0, column: 0 } });
    expect(elsewhere).toEqual({
      artifactLocation: { uri: 'file:///opt/a%20b.js' },
      region: { startLine: 1, startColumn: 1 },
    });
    expect(sarifReport(reportWith([evil]), '/srv')).not.toMatch(CONTROL);
    expect(() => decodeURIComponent(placeOf(evil)!.artifactLocation!.uri!)).not.toThrow();
  });
});

describe('junit', () => {
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    isArray: (name) => name === 'testcase',
  });
  const rules = (['found', 'clear', 'no-data', 'error'] as const).map((outcome) => ({
    rule: outcome === 'found' ? finding.rule : outcome,
    outcome,
    why: `why <${outcome}>`,
  }));
  function suiteOf(findings: Finding[], least: 'info' | 'warning' | 'critical' = 'warning') {
    const xml = junitReport(reportWith(findings, rules), least);
    expect(XMLValidator.validate(xml)).toBe(true);
    return parser.parse(xml).testsuites.testsuite;
  }

  test('a test per rule: failed, passed, skipped, in error', () => {
    const suite = suiteOf([finding]);
    expect(suite).toMatchObject({ tests: '4', failures: '1', errors: '1', skipped: '1' });
    const [failed, passed, skipped, broken] = suite.testcase;
    expect(failed).toMatchObject({
      name: 'blocked-event-loop',
      failure: { type: 'warning', message: finding.message },
    });
    expect(failed.failure['#text']).toMatch(
      /^warning: .*\nat \/srv\/app\.js:12:3 handler\n[\s\S]*innermost first:\n.*\n +\/srv\/app\.js:12:3 caller$/,
    );
    expect(passed).toEqual({ classname: 'evdiag', name: 'clear' });
    expect([skipped.skipped.message, broken.error.message]).toEqual(['why <no-data>', 'why <error>']);
  });

  test('what is less than asked for passes, and is printed', () => {
    const suite = suiteOf([finding], 'critical');
    expect(suite).toMatchObject({ failures: '0' });
    expect(suite.testcase[0]['system-out']).toContain('warning: Blocked for 412 ms');
    expect(suiteOf([{ ...finding, severity: 'info' }], 'info')).toMatchObject({ failures: '1' });
  });

  test('hostile names stay text', () => {
    const [failed] = suiteOf([evil]).testcase;
    expect(failed.failure.message).toContain(']]><x a="1">&%0A,:');
    expect(Object.keys(failed).sort()).toEqual(['classname', 'failure', 'name']);
  });
});
