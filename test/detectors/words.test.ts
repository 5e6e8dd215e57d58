/** Whatever a recording holds, as long as its rows are valid: no detector throws, and all that is said can be read. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { isFindingOf } from '../../src/detectors/evidence.ts';
import { judge } from '../../src/detectors/judge.ts';
import { detectors } from '../../src/detectors/rules/index.ts';
import type { Finding } from '../../src/detectors/types.ts';
import { CHAIN_KINDS, type Recording, type Row, STALL_KINDS } from '../../src/recording/types.ts';
import { isRow } from '../../src/recording/validate.ts';
import {
  allocations,
  collections,
  connections,
  created,
  deepSample,
  entry,
  findingWith,
  foundIn,
  frame,
  gc,
  location,
  lookups,
  recordingOf,
  sampled,
  second,
  seconds,
  serial,
  stall,
  tracked,
  transfers,
  unfinished,
  upstreams,
  waits,
} from '../support/recording.ts';

const RECORDINGS = 400;
/** Small and large, none and one; what a clock, a counter or a damaged file may give. */
const NUMBERS = [0, 0, 1e-9, 0.4, 1, 3, 12, 60, 150, 1100, 6000, 40_000, 2e6, 1e15];

const HELD = { ms: 6000, state: 'unread' as const, location, callers: [location] };
const POOL = { name: 'stock:80', max: 1, taken: 1, waiting: 4, held: [HELD] };
const MADE = { what: 'promise', type: 'new', via: ['net'], at: location };

const AT = { location, callers: [location] };
/** Files, streams and messages of a second, more each time. */
const transferred = (t: number): Row =>
  transfers(t, {
    files: [
      {
        ...AT,
        call: 'appendFile',
        use: 'write',
        count: 900,
        bytes: 9000,
        sized: 900,
        positioned: 0,
        sameFile: 900,
        file: 'log',
        opened: 900,
      },
    ],
    streams: [
      {
        ...AT,
        stream: 'Socket',
        streams: 1,
        ignored: 900,
        bufferedBytes: 5000 * t,
        peakBytes: 5000 * t,
        largestBytes: 5000 * t,
      },
    ],
    messages: [{ ...AT, call: 'send', count: 3, bytes: 4e6, ms: 400, maxMs: 200, maxBytes: 2e6 }],
  });

/** Each row type with all of its fields filled. */
const timers = { type: 'Timeout', count: 9000, sites: [{ count: 3, location }] };
const immediates = { type: 'Immediate', count: 9000, sites: [{ count: 3, location: null }] };
const TEMPLATES: Row[] = [
  ...second(4000),
  stall(),
  deepSample({
    stacks: CHAIN_KINDS.map((kind) => sampled(40, [frame('Handler'), frame('', 9, { awaits: true })], kind)),
    deepest: { frames: 2000, repeated: 2000, location, awaits: false },
    created: created({ resources: [timers, immediates] }),
    shortIntervals: [location],
    programHooks: {
      storages: 90,
      storageSites: [{ count: 16, location }],
      hooks: [{ callbacks: ['init'], promises: true, location: null, package: 'tracer' }],
    },
    allocations: [{ bytes: 1e6, location }],
  }),
  { ...stall(), type: 'stall-open', location, chain: 'microtask' },
  unfinished(6000, [
    entry({ lost: 20, floating: 30, rejected: 2, endedMaxMs: 10 }),
    entry({ what: 'handle', type: 'TCPWRAP' }),
  ]),
  {
    t: 6000,
    type: 'aborted',
    sinceMs: 2000,
    abortedAt: location,
    scope: location,
    leftovers: [{ type: 'Timeout', via: ['timers'], location, callers: [location], referenced: true, ageMs: 2500 }],
  },
  { t: 6000, type: 'orphans', location, callers: [location], total: 200, pending: 150, stillPending: 3, ranOnMs: 400 },
  { t: 6000, type: 'rejection', kind: 'swallowed', count: 4, error: 'TypeError', location, call: null },
  gc({ t: 4000, majorCount: 1, afterMajor: { oldBytes: 20e6, externalBytes: 3e6 } }),
  allocations([{ line: { line: 9, column: 3, code: 'kept.push(it)' } }], { file: 'allocations-1.heapprofile' }),
  ...waits(2, [{ count: 5, chain: [frame('handler'), frame('', 40)], made: MADE }], {}, [POOL]),
  { t: 6000, type: 'threads', started: 40, ended: 0, alive: 40, unobserved: 0 },
];

const RISING = Array.from({ length: 12 }, (_, i) => 10 * (i + 1));

/** Rows that grow in step, which random rows never do, one for each rule that looks for that. */
const GROWING: Row[][] = [
  [...collections(RISING, { heapUsedBytes: 1e9 }), allocations([{ aliveBytes: 60e6 }])],
  collections(
    RISING.map(() => 2),
    { externalMb: RISING },
  ),
  [
    ...seconds(3),
    deepSample({
      stacks: [sampled(90, [{ ...frame('concat'), file: 'node:buffer', category: 'node' }, frame('onData')])],
    }),
  ],
  ...[frame('', 4, { file: 'node:async_hooks', category: 'node' }), frame('onInit', 9)].map((top) => [
    ...seconds(3),
    deepSample({
      stacks: [sampled(90, [top, frame('emitInitNative', 2, { file: 'node:internal/async_hooks', category: 'node' })])],
      programHooks: { storages: 90, storageSites: [], hooks: [] },
    }),
  ]),
  tracked(4, (n) => ({ alive: 30 * n })),
  tracked(4, (n) => ({ alive: 30 * n, via: ['fetch'] })),
  tracked(4, () => ({ alive: 5, created: 500, ended: 495, endedMaxMs: 20, endedSinceOldest: 495 })),
  tracked(4, () => ({ what: 'call', floating: 40 })),
  tracked(4, (n) => ({ what: 'handle', type: 'FILEHANDLE', alive: 30 * n })),
  tracked(4, (n) => ({ what: 'handle', type: 'WORKER', alive: 30 * n })),
  tracked(4, (n) => ({ what: 'handle', type: 'TCPWRAP', alive: 0, peak: 900, created: 900 * n })),
  tracked(4, (n) => ({ what: 'listener', type: 'emitter', detail: 'Bus price', alive: 30 * n })),
  [...tracked(4, () => ({})), ...waits(4, [], {}, [POOL]), ...[2000, 3000, 4000].map(transferred)],
  [...tracked(4, () => ({})), serial(100, 20)],
  [...tracked(4, () => ({})), connections()],
  [...tracked(4, () => ({})), lookups()],
  [...tracked(4, () => ({})), ...upstreams([10, 10, 10, 500, 500, 500, 500, 500])],
  tracked(4, (n) => ({ what: 'reaction', type: 'race', alive: 600 * n })),
  tracked(
    4,
    () => ({ alive: 1, code: 'b.acquire()', before: ['a.acquire()'] }),
    () => ({ alive: 1, location: { ...location, line: 20 }, code: 'a.acquire()', before: ['b.acquire()'] }),
  ),
  tracked(
    4,
    () => ({ what: 'handle', type: 'PBKDF2REQUEST', alive: 16 }),
    () => ({ what: 'handle', type: 'FSREQCALLBACK', alive: 1, location: { ...location, line: 20 } }),
  ),
];

/** A sequence that looks random and is the same in each run (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The same shape with other values: numbers of all sizes, lists shortened or emptied, functions without a name. */
function vary(value: unknown, random: () => number): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  if (typeof value === 'number') return random() < 0.5 ? value : pick(NUMBERS);
  if (typeof value === 'boolean') return random() < 0.3;
  if (Array.isArray(value)) return random() < 0.3 ? [] : value.map((item) => vary(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const object = Object.fromEntries(Object.entries(value).map(([key, field]) => [key, vary(field, random)]));
  if ('waiting' in object && !('max' in object)) object.waiting = pick([null, 0, 3]);
  if ('chain' in object && !('made' in object)) object.chain = pick([undefined, null, ...CHAIN_KINDS]);
  if ('weightMs' in object || 'durationMs' in object) object.kind = pick(STALL_KINDS);
  if ('location' in object && random() < 0.2) object.location = null;
  if ('function' in object && random() < 0.2) object.function = '';
  if ('mainThreadMs' in object && random() < 0.2) object.mainThreadMs = object.runQueueMs = null;
  if ('allocations' in object && random() < 0.2) object.allocations = object.created = object.deepest = null;
  return object;
}

/** Some seconds of one kind, so that thresholds of time are reached, with odd rows among them. */
function oddRecording(seed: number): Recording {
  const random = randomFrom(seed);
  const like = {
    utilization: random() < 0.7 ? 0.97 : random(),
    turnMs: random() * 150,
    gcMs: random() * 500,
    gcMaxMs: random() * 300,
    timers: random() < 0.5 ? 2 : 30_000,
    turns: random() < 0.5 ? 300 : 60_000,
    events: 0,
    waiting: random() < 0.5 ? 0 : 5,
  };
  const odd = Array.from({ length: 12 }, () => vary(TEMPLATES[Math.floor(random() * TEMPLATES.length)], random));
  const plain = deepSample({ turnedPairs: random() < 0.5 ? 20 : 90 });
  const growing = GROWING[seed % (2 * GROWING.length)] ?? [];
  const rows = [...seconds(Math.floor(random() * 40), like), plain, ...growing, ...odd.filter(isRow)].sort(
    (a, b) => a.t - b.t,
  );
  return { ...recordingOf(rows), droppedRows: random() < 0.2 ? 7 : 0, skippedLines: random() < 0.2 ? 1 : 0 };
}

/** A sentence: begins with a capital, a number, or the name of a function; ends with its only period. */
const SENTENCE = /^([A-Z]|\d|handler\b).*[^.]\.$/s;
const QUANTITY = /\d (ms|s|%|MB|µs|million|timers|levels|rows?|readings?|times|handles)\b|\d % /;
const NO_WORDS = /NaN|Infinity|undefined|null|\[object/;

function readable({ message, remedy, score, confidence, ...finding }: Finding): void {
  expect(message, 'a message is a sentence').toMatch(SENTENCE);
  expect(message, 'a message has a figure with its unit; cure for a new unit: QUANTITY above').toMatch(QUANTITY);
  expect(remedy, 'a remedy is a sentence').toMatch(SENTENCE);
  expect(`${message} ${remedy}`).not.toMatch(NO_WORDS);
  expect(score).toBeGreaterThanOrEqual(0);
  expect(score).toBeLessThanOrEqual(100);
  expect(confidence).toBeGreaterThanOrEqual(0);
  const words = wordsOf(finding);
  for (const text of words)
    expect(text, 'a fragment with a number, no name of a field').toMatch(/^(?=.*\d)(?!.*\b[a-z]+[A-Z]).+[^.]$/);
  for (const text of [...words, ...leaves(finding.evidence)])
    expect(text).not.toMatch(/NaN|Infinity|undefined|\[object/);
}

/** What the rule makes of its evidence. */
function wordsOf({ rule, evidence }: Pick<Finding, 'rule' | 'evidence'>): string[] {
  return detectors.find(({ id }) => id === rule)!.words(evidence);
}

function leaves(value: unknown): string[] {
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(leaves) : [String(value)];
}

const DOCS = readFileSync(new URL('../../docs/report-json.md', import.meta.url), 'utf8');

/** The names in the row of a table that begins with this one, and what the text above says of all of them. */
function documented(first: string): string[] {
  const row = DOCS.split('\n').find((line) => line.startsWith(`| \`${first}\``)) ?? '';
  return ['estimated', ...[...row.matchAll(/`(\w+)`/g)].map((match) => match[1]!)];
}

/** Fields of findings, and of the evidence of each rule. */
function undocumented({ evidence, ...finding }: Finding): string[] {
  const known = new Set(documented(finding.rule));
  const fields = Object.keys(finding).filter((name) => !DOCS.includes(`\`${name}\``));
  return [...fields, ...Object.keys(evidence).filter((name) => !known.has(name))].map(
    (name) => `${finding.rule}: ${name}`,
  );
}

test('every detector is heard, none throws, and what they say can be read', () => {
  const heard = new Set<string>();
  for (let seed = 1; seed <= RECORDINGS; seed++) {
    const recording = oddRecording(seed);
    const { rules } = judge(recording);
    expect(rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
    // Before they are folded: a symptom is shown as well.
    for (const finding of detectors.flatMap((detector) => foundIn(detector, recording))) {
      heard.add(finding.rule);
      readable(finding);
      expect(undocumented(finding), 'cure: a row in docs/report-json.md').toEqual([]);
    }
  }
  expect([...heard].sort(), 'cure: rows in `oddRecording` that make the rule fire').toEqual(
    detectors.map(({ id }) => id),
  );
});

test.each([
  ['nothing at all', []],
  [
    'one empty deep sample',
    [deepSample({ samples: 0, busySamples: 0, pairs: 0, turnedPairs: 0, stacks: [], created: null })],
  ],
  ['a second that took no time', [{ ...second(2000)[0]!, activeMs: 0, idleMs: 0 } as Row]],
])('%s: nothing throws, no alarm', (_what, rows) => {
  const { findings, rules } = judge(recordingOf(rows));
  expect(rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
  expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
});

test('a recording of many hours is judged: no call gets all rows as arguments', () => {
  const paused = {
    utilization: 0.9,
    gcMaxMs: 300,
    timers: 9000,
    without: ['cpu', 'loop-turns', 'event-loop-delay'],
  } as const;
  const { rules } = judge(recordingOf(seconds(150_000, paused)));
  expect(rules.filter(({ outcome }) => outcome === 'error')).toEqual([]);
});

test('the evidence of each rule is known to the compiler by the name of the rule', () => {
  const finding: Finding = findingWith({ rule: 'gc-pause', evidence: { maxMs: 80, totalMs: 90, heapUsedBytes: 5 } });
  expect(isFindingOf(finding, 'gc-pause') && finding.evidence.heapUsedBytes).toBe(5);
  expect(isFindingOf(finding, 'gc-pressure')).toBe(false);
  // @ts-expect-error what no rule has said is nothing to read
  expect(finding.evidence.heapUsedBytes).toBe(5);
  const source = readFileSync(new URL('../../src/detectors/evidence.ts', import.meta.url), 'utf8');
  for (const { id } of detectors)
    expect(source, 'cure: a line in src/detectors/evidence.ts').toContain(`'${id}': EvidenceIn<`);
});

/** Fields of an interface of src/detectors, with those that it extends. */
function fieldsOf(name: string, sources: string): string[] {
  const found = new RegExp(`interface ${name}(?: extends ([^{]*))? \\{([^}]*(?:\\}\\)[^}]*)?)\\}`).exec(sources);
  const [, parents = '', body = ''] = found ?? [];
  const own = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map((match) => match[1]!);
  const more = parents
    .split(',')
    .map((parent) => parent.trim())
    .filter((parent) => parent !== '');
  return [...own, ...more.flatMap((parent) => fieldsOf(parent, sources))];
}

test('docs/report-json.md has each field of the evidence of each rule', () => {
  const folder = new URL('../../src/detectors/', import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const sources = files.map((name) => readFileSync(new URL(name, folder), 'utf8')).join('\n');
  for (const { id } of detectors) {
    const rule = readFileSync(new URL(`rules/${id}.ts`, folder), 'utf8');
    const fields = [...rule.matchAll(/^export interface (\w+)/gm)].flatMap((match) => fieldsOf(match[1]!, sources));
    const missing = fields.filter((field) => !documented(id).includes(field));
    expect(missing, `cure: the row of ${id}`).toEqual([]);
  }
});
