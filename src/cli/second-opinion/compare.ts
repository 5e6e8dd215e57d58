import { detectors } from '../../detectors/rules/index.ts';
import type { Finding } from '../../detectors/types.ts';
import { type Recording, type RowOf, rowsOf } from '../../recording/types.ts';
import type { Report } from '../../report/types.ts';
import { placeText } from '../../util/place-text.ts';
import { formatMs, plural } from '../../util/text.ts';
import type { Asked } from './ask.ts';
import type { Analysis, Aspect, Issue, SecondOpinion } from './types.ts';

/** clinic doctor calls an issue what blocks this long in one second, or a single delay. */
const ISSUE_MS = 100;

/** Which of our rules see what. What is in no list is beyond what clinic doctor looks at. */
const LOOP = [
  'blocked-event-loop',
  'cpu-bound-main-thread',
  'deep-async-chain',
  'heavy-messages',
  'overloaded-event-loop',
  'starved-event-loop',
  'task-switch-churn',
  'timer-storm',
];
const MEMORY = ['gc-pause', 'gc-pressure', 'growing-external-memory', 'growing-heap', 'leak-suspect', 'memory-churn'];
const NOT_COMPARED = ['recording-quality', 'costly-async-hooks', 'unhandled-rejections', 'floating-promises'];

const CONTENDED_GC =
  'The machine was busy: what waits for a core takes longer, and evdiag does not blame the program for that.';
const LASTING_GC = 'evdiag reports them when they go on, not for a single second.';

interface Comparison {
  analysis: Analysis;
  recording: Recording;
  report: Report;
  span: SecondOpinion['span'];
}

export function secondOpinion(report: Report, recording: Recording, { answer, sampleCount }: Asked): SecondOpinion {
  const none = { by: 'clinic doctor' as const, version: null, category: null, span: null, sampleCount };
  if ('error' in answer) return { ...none, aspects: [], failure: answer.error };
  const { analysis, version } = answer;
  const span = spanOf(analysis, recording);
  const comparison = { analysis, recording, report, span };
  const aspects = [loopAspect(comparison), memoryAspect(comparison), waitAspect(comparison)];
  return { ...none, version, category: analysis.issueCategory, span, aspects, failure: null };
}

function spanOf({ interval: [from, to] }: Analysis, { header, durationMs }: Recording): SecondOpinion['span'] {
  if (from === null || to === null) return null;
  const start = Date.parse(header.startedAt);
  return { fromMs: Math.max(0, from - start), toMs: Math.min(durationMs, to - start) };
}

function loopAspect({ analysis: { issues }, recording, report, span }: Comparison): Aspect {
  const theirs = worst(issues.delay, issues.loopUtilization);
  const words = [
    ...(issues.delay === 'performance' ? [`a median delay of 10 ms or more, or a single one of ${ISSUE_MS} ms`] : []),
    ...(issues.loopUtilization === 'performance' ? ['busy for 95 % of the time or more'] : []),
  ];
  // A busy machine is reported, but not as the program's.
  const found = report.findings.filter(({ rule, kind }) => LOOP.includes(rule) && kind !== 'gc' && kind !== 'host');
  return aspectOf('event loop', theirs, words, found, {
    onlyTheirs: () => `It counts every delay, whatever the cause. ${delayCause(recording)}`,
    onlyOurs: () => `It judges the median and the longest of the delays alone. ${outside(found, span)}`,
  });
}

/** What evdiag knows of the longest delays that it does not report as the program's. */
function delayCause(recording: Recording): string {
  const stalls = rowsOf(recording, 'stall').filter(({ durationMs }) => durationMs >= ISSUE_MS);
  const longest = stalls.toSorted((a, b) => b.durationMs - a.durationMs)[0];
  if (!longest) return 'evdiag saw no stall of 100 ms: many delays are short, and no place stands out.';
  const length = formatMs(longest.durationMs);
  if (longest.kind === 'gc') return `The longest, ${length}, was a garbage collection: see memory.`;
  if (isHosts(longest))
    return `The longest, ${length}, was the machine's: the thread had no core, or waited for a disk.`;
  if (longest.startup) return `The longest, ${length}, was before the program served: it still loaded its modules.`;
  return `evdiag saw ${plural(stalls.length, 'stall')}, the longest of ${length}: too rare or too uncertain to be reported.`;
}

function isHosts({ kind, durationMs, runQueueMs, diskMs = 0 }: RowOf<'stall'>): boolean {
  return kind === 'host' || (runQueueMs ?? 0) + diskMs >= durationMs / 2;
}

function memoryAspect({ analysis: { issues }, recording, report, span }: Comparison): Aspect {
  const { heapTotal, heapUsed, external, rss } = issues.memory;
  const theirs = worst(heapTotal, heapUsed, external, rss);
  const words = theirs === 'performance' ? [`collections block for ${ISSUE_MS} ms or more in one second`] : [];
  const found = report.findings.filter(({ rule, kind }) => MEMORY.includes(rule) || kind === 'gc');
  return aspectOf('memory', theirs, words, found, {
    onlyTheirs: () => `${gcShare(recording)} ${isContended(report) ? CONTENDED_GC : LASTING_GC}`,
    onlyOurs: () => {
      const growth = found.some(({ rule }) => /^(growing|leak)/.test(rule));
      return growth
        ? 'It judges the time that collections take, and does not look for memory that grows.'
        : `It looks for ${ISSUE_MS} ms of collections in one second. ${outside(found, span)}`;
    },
  });
}

function gcShare(recording: Recording): string {
  const rows = rowsOf(recording, 'gc');
  const most = Math.max(0, ...rows.map(({ totalMs }) => totalMs));
  const total = rows.reduce((sum, { totalMs }) => sum + totalMs, 0);
  const share = recording.durationMs > 0 ? Math.round((total / recording.durationMs) * 100) : 0;
  return `Collections took up to ${formatMs(most)} in one second, and ${share} % of all the time.`;
}

function waitAspect({ analysis: { issues }, report, span }: Comparison): Aspect {
  const theirs = worst(issues.cpu, issues.handles);
  const words = [
    ...(issues.cpu === 'performance' ? ['less than 0.9 cores for 90 % of the time'] : []),
    ...(issues.handles === 'performance' ? ['handles rise and drop'] : []),
  ];
  const found = report.findings.filter(
    ({ rule, kind }) => !LOOP.includes(rule) && !MEMORY.includes(rule) && !NOT_COMPARED.includes(rule) && kind !== 'gc',
  );
  return aspectOf('I/O', theirs, words, found, {
    onlyTheirs: () => unusedCpu(report),
    onlyOurs: () => `It sees CPU time and the number of handles, no single call. ${outside(found, span)}`,
  });
}

/** Why a program that waits for nothing uses less than a core. */
function unusedCpu(report: Report): string {
  if (isContended(report)) return 'The thread waited for a core: unused CPU time is no sign of slow I/O then.';
  if (report.workload.class === 'idle') return 'The program was idle: little CPU time is no sign of slow I/O then.';
  return 'It infers I/O from unused CPU time: a program that waits for work looks the same. evdiag found no call that waits longer than it must.';
}

/** The machine had no core for the thread, for so long that the report says so. */
function isContended({ findings }: Report): boolean {
  return findings.some(({ kind }) => kind === 'host' || kind === 'contention');
}

interface Differences {
  onlyTheirs(): string;
  onlyOurs(): string;
}

function aspectOf(
  aspect: Aspect['aspect'],
  theirs: Issue,
  issues: readonly string[],
  found: readonly Finding[],
  { onlyTheirs, onlyOurs }: Differences,
): Aspect {
  const theirWords =
    theirs === 'data' ? 'not enough data' : issues.length > 0 ? `an issue: ${issues.join('; ')}` : 'no issue';
  const agrees = theirs !== 'data' && (theirs === 'performance') === found.length > 0;
  const word = (): string => {
    if (theirs === 'data') return 'It has too few samples or collections to judge that.';
    if (agrees) return found.length > 0 ? bothSee(found) : 'Both see nothing.';
    return found.length > 0 ? onlyOurs() : onlyTheirs();
  };
  const ours = [...new Set(found.map(({ rule }) => rule))];
  return { aspect, theirs, theirWords, ours, ourWords: foundText(found), agrees, word: word().trim() };
}

function bothSee(found: readonly Finding[]): string {
  return found.some(({ location }) => location !== null) ? 'Both see it; evdiag names the place.' : 'Both see it.';
}

/** "2 findings, the worst: synchronous sleep at app.js:10". The findings are the worst first. */
function foundText(found: readonly Finding[]): string {
  const [first] = found;
  if (!first) return 'nothing found';
  const title = titleOf(first);
  const what = first.location ? `${title} at ${placeText(first.location)}` : title;
  return found.length === 1 ? `1 finding: ${what}` : `${plural(found.length, 'finding')}, the worst: ${what}`;
}

function titleOf({ rule, kind }: Finding): string {
  const detector = detectors.find(({ id }) => id === rule);
  return detector?.kinds.find((one) => one.kind === kind)?.title ?? detector?.title ?? rule;
}

/** It leaves out what it takes for the time before and after the load. */
function outside(found: readonly Finding[], span: SecondOpinion['span']): string {
  if (
    span === null ||
    !found.some((one) => one.span && (one.span.lastMs < span.fromMs || one.span.firstMs > span.toMs))
  )
    return '';
  return `And it judged only the time from ${formatMs(span.fromMs)} to ${formatMs(span.toMs)}.`;
}

/** An issue counts, then that there is too little. */
function worst(...issues: readonly Issue[]): Issue {
  return (['performance', 'data'] as const).find((one) => issues.includes(one)) ?? 'none';
}
