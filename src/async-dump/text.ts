import type { HandleSite, Timers } from '../protocol/dump-parts.ts';
import type { OpenHandles } from '../protocol/open-resources.ts';
import { threadName } from '../recording/thread-name.ts';
import type { Frame } from '../recording/types.ts';
import { placeText } from '../util/place-text.ts';
import { displayPath, formatCount, formatMs, plural, stripControl, wrap } from '../util/text.ts';
import { nodeLines, sorted, treeOf } from './call-tree-text.ts';
import type { AwaitCycle, CallGroup, Dump, DumpedThread, SuspendedCalls } from './dump.ts';
import { sourceLine } from './source-text.ts';
import { type DumpTextOptions, LIMIT, moreText, nameOf, placeOf } from './text-parts.ts';

const INDENT = '  ';

/** A dump for a terminal. */
export function dumpText(dump: Dump, options: DumpTextOptions): string {
  const lines = [
    ...header(dump, options),
    ...foundLines(dump, options),
    ...dump.threads.flatMap((thread) => ['', ...threadLines(thread, options)]),
  ];
  return `${lines.join('\n')}\n`;
}

function header(dump: Dump, { paint }: DumpTextOptions): string[] {
  const time = dump.takenAt.slice(11, 19);
  const facts = [
    `pid ${dump.pid}`,
    `Node ${dump.nodeVersion.replace(/^v/, '')}`,
    `level ${dump.level}`,
    `up ${formatMs(dump.uptimeMs)}`,
    `${dump.mode} dump at ${time} UTC`,
  ];
  const command = dump.argv.map((word, i) => (i === 0 ? word : displayPath(word))).join(' ');
  return [paint(stripControl(command), 'bold'), paint(stripControl(facts.join(' · ')), 'dim')];
}

/** What the rules say: the same words as in the report. */
function foundLines({ findings = [] }: Dump, { paint, width }: DumpTextOptions): string[] {
  const room = width - 2 * INDENT.length;
  return findings.flatMap(({ severity, message, location, remedy }) => [
    '',
    ...wrap(stripControl(`${severity}: ${message}`), room + INDENT.length).map(
      (line, i) => `${i === 0 ? '' : INDENT}${INDENT}${paint(line, severity === 'info' ? 'cyan' : 'red', 'bold')}`,
    ),
    ...(location ? [`${INDENT}${INDENT}at ${paint(placeText(location), 'cyan')}`] : []),
    ...wrap(stripControl(`→ ${remedy}`), room).map((line) => `${INDENT}${INDENT}${line}`),
  ]);
}

function threadLines(thread: DumpedThread, options: DumpTextOptions): string[] {
  const { paint } = options;
  const { state, suspended, timers, handles, unlisted, handleSites, more } = thread;
  const problem = state === 'ended' ? null : thread.problem;
  return [
    ...stackLines(thread, options),
    ...(problem ? [`${INDENT}${paint(stripControl(problem), 'yellow')}`] : []),
    ...failedLines(thread, options),
    ...(suspended ? suspendedLines(suspended, options) : []),
    ...timerLines(timers, options),
    ...handleLines(handles, options),
    ...(unlisted ? ['', ...unlistedLines(unlisted, handleSites, options)] : []),
    ...siteLines(handleSites, options),
    ...(more > 0 ? [`${INDENT}${paint(`… ${formatCount(more)} other timers and handles`, 'dim')}`] : []),
  ];
}

// ── the stack ──

const STATES = {
  idle: 'waits for events',
  running: 'runs',
  'no-answer': 'does not answer',
  ended: 'ended meanwhile',
} as const;

function stackLines({ threadId, state, stack, syncCall }: DumpedThread, options: DumpTextOptions): string[] {
  const { paint, expand } = options;
  const name = threadName(threadId);
  const inside = syncCall ? `, inside ${stripControl(syncCall.name)}` : '';
  const title = `${paint(name, 'bold')}  ${paint(STATES[state] + inside, state === 'idle' ? 'green' : 'yellow')}`;
  const frames = state === 'no-answer' ? (syncCall?.stack ?? []) : stack;
  const first = Math.max(
    0,
    frames.findIndex(({ category }) => category === 'application'),
  );
  const shown = frames.slice(first, expand ? undefined : first + LIMIT.frames);
  const left = frames.length - first - shown.length;
  return [
    title,
    ...shown.flatMap((frame, i) => frameLines(frame, i === 0, options)),
    ...(left > 0 ? [`${INDENT}${paint(moreText(left), 'dim')}`] : []),
  ];
}

function frameLines(frame: Frame, innermost: boolean, { paint }: DumpTextOptions): string[] {
  const style = innermost ? [] : (['dim'] as const);
  const line = `${frame.awaits ? 'async ' : ''}${nameOf(frame)} ${paint(placeOf(frame), innermost ? 'cyan' : 'dim')}`;
  const source = innermost && frame.file !== '' ? sourceLine(frame.file, frame.line) : '';
  return [`${INDENT}at ${paint(line, ...style)}`, ...(source ? [`${INDENT}     ${paint(source, 'dim')}`] : [])];
}

// ── connections ──

const FAILURES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ETIMEDOUT: 'timed out',
  ENOTFOUND: 'not found',
  EAI_AGAIN: 'not found',
};

function failedLines({ failedConnections = [] }: DumpedThread, { paint }: DumpTextOptions): string[] {
  return failedConnections.flatMap(({ address, code, count, firstAgoMs, lastAgoMs }, i) => {
    const word = Object.hasOwn(FAILURES, code) ? FAILURES[code] : 'failed';
    const text = `${word} again and again: ${stripControl(address)}`;
    const times = `${formatCount(count)} times in ${formatMs(firstAgoMs)}, the last ${formatMs(lastAgoMs)} ago (${stripControl(code)})`;
    return [...(i === 0 ? [''] : []), `${INDENT}${paint(text, 'red', 'bold')}  ${paint(times, 'dim')}`];
  });
}

// ── suspended calls ──

function suspendedLines(suspended: SuspendedCalls, options: DumpTextOptions): string[] {
  const { counted, total, unlisted, failed, cycles, calls, pauseMs } = suspended;
  const { paint, expand } = options;
  const what = counted === 'calls' ? plural(total, 'suspended async call') : plural(total, 'promise');
  const title = counted === 'calls' ? what : `${what} with suspended async calls behind`;
  const note = `the thread was paused for ${formatMs(pauseMs)}`;
  const listed = expand ? calls : calls.filter(isOfApplication);
  const ofNode = calls.length - listed.length;
  const roots = sorted(treeOf(listed).children);
  const shown = expand ? roots : roots.slice(0, LIMIT.roots);
  const left = roots.length - shown.length;
  const rest = [
    ...(left > 0 ? [moreText(left)] : []),
    ...(ofNode > 0 ? [`… ${formatCount(ofNode)} of Node's own, --expand`] : []),
    ...(unlisted > 0
      ? [`… ${formatCount(unlisted)} promises whose calls are not listed: there are too many different ones`]
      : []),
    ...(failed > 0 ? [`… ${formatCount(failed)} promises could not be examined`] : []),
  ];
  return [
    ...cycles.slice(0, expand ? undefined : LIMIT.cycles).flatMap((cycle) => cycleLines(cycle, options)),
    '',
    `${INDENT}${paint(total === 0 ? 'no suspended async calls' : title, 'bold')}  ${paint(note, 'dim')}`,
    ...shown.flatMap((node) => nodeLines(node, INDENT, INDENT, options)),
    ...rest.map((text) => `${INDENT}${paint(text, 'dim')}`),
  ];
}

/** Node's own calls wait too, such as the one that loads the main module. */
function isOfApplication({ category, awaitedBy }: CallGroup): boolean {
  return [category, ...awaitedBy.map((frame) => frame.category)].some((kind) => kind !== 'node' && kind !== 'native');
}

function cycleLines({ calls, blockedCalls }: AwaitCycle, { paint }: DumpTextOptions): string[] {
  const further =
    blockedCalls > 0 ? ` ${plural(blockedCalls, 'further call waits', 'further calls wait')} for them.` : '';
  return [
    '',
    `${INDENT}${paint(`await cycle: ${plural(calls.length, 'call waits for itself', 'calls wait for each other')}, forever.${further}`, 'red', 'bold')}`,
    ...calls.map((call, i) => {
      const next = calls[(i + 1) % calls.length]!;
      const lock = call.lock ? ` for ${stripControl(call.lock)}, which is held by` : ' for';
      return `${INDENT}${INDENT}${nameOf(call)} ${paint(placeOf(call), 'cyan')} waits${lock} ${nameOf(next)}`;
    }),
  ];
}

// ── timers and handles ──

function timerLines(timers: readonly Timers[], options: DumpTextOptions): string[] {
  const total = timers.reduce((sum, { count }) => sum + count, 0);
  const rows = timers.map((timer) => [
    countText(timer.count),
    `${timer.repeats ? 'every' : 'in'} ${formatMs(timer.delayMs)}`,
    callbackText(timer.callback),
    timer.callback.file ? placeOf(timer.callback) : '',
    `since ${formatMs(timer.oldestMs)}${timer.ref ? '' : ', unref'}`,
  ]);
  return table(plural(total, 'timer'), rows, options);
}

/** The functions of timers/promises are Node's own and have neither name nor place. */
function callbackText(callback: Frame): string {
  return callback.function === '' && callback.file === '' ? 'settles a promise' : nameOf(callback);
}

function handleLines(handles: readonly OpenHandles[], options: DumpTextOptions): string[] {
  const total = handles.reduce((sum, { count }) => sum + count, 0);
  const rows = handles.map(({ count, type, detail }) => [countText(count), stripControl(type), stripControl(detail)]);
  return table(plural(total, 'open handle'), rows, options);
}

/** Tracking knows them anyway. */
function unlistedLines(unlisted: string, sites: readonly HandleSite[], { paint }: DumpTextOptions): string[] {
  const where =
    sites.length > 0
      ? 'those that evdiag follows are listed by where they were made'
      : 'evdiag lists those that it follows';
  return [`${INDENT}${paint(`${stripControl(unlisted)}: ${where}`, 'dim')}`];
}

function siteLines(sites: readonly HandleSite[], options: DumpTextOptions): string[] {
  const rows = sites.map(({ count, type, ageMs, ref, place }) => [
    countText(count),
    stripControl(type),
    place ? `${nameOf(place)} ${placeOf(place)}` : '',
    `since ${formatMs(ageMs)}${ref ? '' : ', unref'}`,
  ]);
  return table('made at', rows, options);
}

function countText(count: number): string {
  return count > 1 ? `${formatCount(count)} ×` : '';
}

function table(title: string, rows: readonly string[][], { paint, expand }: DumpTextOptions): string[] {
  if (rows.length === 0) return [];
  const shown = expand ? rows : rows.slice(0, LIMIT.rows);
  const widths = shown[0]!.map((_, column) => Math.min(48, Math.max(...shown.map((row) => row[column]!.length))));
  const left = rows.length - shown.length;
  return [
    '',
    `${INDENT}${paint(title, 'bold')}`,
    ...shown.map((row) => {
      const cells = row.map((cell, i) => (i === 0 ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)));
      return `${INDENT}${cells.join('  ')}`.trimEnd();
    }),
    ...(left > 0 ? [`${INDENT}${paint(moreText(left), 'dim')}`] : []),
  ];
}
