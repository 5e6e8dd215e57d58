import { nameOf } from '../detectors/code-words.ts';
import { isFindingOf } from '../detectors/evidence.ts';
import { isLasting, lineOf } from '../detectors/kept-objects.ts';
import { detectors } from '../detectors/rules/index.ts';
import type { Finding } from '../detectors/types.ts';
import type { HolderKind, LeakReport, Place, Suspect, WorkDone } from '../leaks/types.ts';
import { namedPlace } from '../leaks/words.ts';
import { readFamily } from '../recording/reader.ts';
import { WORK_KINDS, type WorkKind } from '../recording/rows/work.ts';
import { type Location, type Recording, rowsOf } from '../recording/types.ts';
import { workDone } from '../recording/work-done.ts';
import { formatBytes, formatMs, plural } from '../util/text.ts';
import { reportOf } from './output.ts';

/** Rules whose findings are things that stay, and what holds them. */
const HOLDERS: Record<string, HolderKind> = {
  'growing-external-memory': 'buffers',
  'growing-heap': 'other',
  'growing-pending-async': 'suspended-calls',
  'growing-workers': 'handles',
  'leak-suspect': 'collection',
  'leaked-handles': 'handles',
  'leaked-listeners': 'listeners',
};
const MAX_SITES = 5;
const SNAPSHOT_NOTE =
  'A recording shows which function allocates what stays, not what holds it. evdiag leaks PID shows that while the process runs.';

/** What a recording shows about leaks: findings, allocations that survive, the heap after collections. Throws InputError. */
export function leaksOfRecording(path: string): LeakReport {
  const family = readFamily(path);
  const { findings, rules } = reportOf(family);
  const found = findings.filter(({ rule }) => rule in HOLDERS);
  const suspects = found.map(toSuspect);
  const listed = new Set(suspects.map(({ place }) => keyOf(place)));
  const [main] = family.recordings;
  for (const recording of family.recordings) suspects.push(...survivors(recording, listed));
  const heap = main ? afterMajors(main) : [];
  return {
    schema: 'evdiag-leaks/1',
    input: 'recording',
    snapshots: [],
    spanMs: main?.durationMs ?? null,
    work: main ? asWork(workDone(main, 0, main.durationMs)) : null,
    judged: rules.filter(({ outcome }) => outcome === 'found' || outcome === 'clear').map(({ rule }) => rule),
    heap,
    suspects,
    notes: [...(heap.length < 2 ? ['Too few major collections were seen to show a trend.'] : []), SNAPSHOT_NOTE],
  };
}

/** Who allocates what stays, from the recording of a running process, in sentences; [] if nothing was sampled. */
export function allocationNotes(family: string, pid: number, threadId = 0): string[] {
  try {
    const thread = recordingOf(family, { pid, threadId });
    const sites = thread ? survivors(thread, new Set()) : [];
    return sites.map(({ place, holder, message }) => `Sampled, ${holder} at ${namedPlace(place)}: ${message}`);
  } catch {
    // Not recorded, or just being removed: the snapshots suffice.
    return [];
  }
}

/** What a process did between snapshots taken at these times, as its recording has it; null if it is not known. */
export function workBetween(family: string, of: ThreadOf, times: readonly number[]): WorkDone | null {
  try {
    const thread = recordingOf(family, of);
    if (!thread) return null;
    const at = times.map((time) => time - Date.parse(thread.header.startedAt));
    const work = asWork(workDone(thread, at[0]!, at.at(-1)!));
    const counts = at.slice(1).map((toMs, i) => asWork(workDone(thread, at[i]!, toMs))?.count ?? 0);
    return work && { ...work, counts };
  } catch {
    return null;
  }
}

type ThreadOf = Pick<Recording['header'], 'pid' | 'threadId'>;

function recordingOf(family: string, { pid, threadId }: ThreadOf): Recording | undefined {
  return readFamily(family).recordings.find(({ header }) => header.pid === pid && header.threadId === threadId);
}

function asWork(sums: Record<WorkKind, number> | null): WorkDone | null {
  const kinds = WORK_KINDS.filter((kind) => (sums?.[kind] ?? 0) > 0);
  const count = Math.round(kinds.reduce((sum, kind) => sum + sums![kind], 0));
  return count < 1 ? null : { unit: kinds.length === 1 ? kinds[0]! : 'pieces', count };
}

function toSuspect(finding: Finding): Suspect {
  const { rule, kind, severity, message, remedy, location, count } = finding;
  const { title, kinds } = detectors.find(({ id }) => id === rule)!;
  const { bytes, perSecondBytes } = memoryOf(finding);
  return {
    kind: HOLDERS[rule]!,
    confidence: severity === 'info' ? 'possible' : 'likely',
    holder: kinds.find((one) => one.kind === kind)?.title ?? title,
    place: toPlace(location),
    className: '',
    count,
    bytes,
    growth: {
      counts: [],
      newBytes: [],
      heldBytes: [],
      countPerMinute: null,
      bytesPerMinute: perSecondBytes === null ? null : perSecondBytes * 60,
    },
    message,
    path: [],
    remedy,
    rule,
  };
}

/** What is alive, and what the heap grows by; 0 and null if the rule does not say. */
function memoryOf(finding: Finding): { bytes: number; perSecondBytes: number | null } {
  const isMemory =
    isFindingOf(finding, 'leak-suspect') ||
    isFindingOf(finding, 'growing-heap') ||
    isFindingOf(finding, 'growing-external-memory');
  if (!isMemory) return { bytes: 0, perSecondBytes: null };
  const { evidence } = finding;
  return {
    bytes: 'aliveBytes' in evidence ? evidence.aliveBytes : 0,
    perSecondBytes: 'perSecondBytes' in evidence ? evidence.perSecondBytes : null,
  };
}

/** What was sampled and is still alive, beyond what findings report. */
function survivors(recording: Recording, listed: ReadonlySet<string>): Suspect[] {
  const row = rowsOf(recording, 'allocations').at(-1);
  if (!row) return [];
  return row.sites
    .filter((site) => isLasting(site) && !listed.has(keyOf(toPlace(lineOf(site)))))
    .slice(0, MAX_SITES)
    .map((site) => ({
      kind: 'other',
      confidence: 'possible',
      holder: `what ${nameOf(site.location)} allocates`,
      place: toPlace(lineOf(site)),
      className: '',
      count: site.samples,
      bytes: Math.round(site.aliveBytes),
      growth: null,
      message: `${formatBytes(site.aliveBytes)} of what it allocated within ${formatMs(row.t - row.sinceMs)} is still alive (${plural(site.samples, 'sample')}).`,
      path: [],
      remedy: 'It may be a cache that fills up, or data that is meant to stay. Take snapshots to see what holds it.',
    }));
}

function afterMajors(recording: Recording): { atMs: number; bytes: number }[] {
  return rowsOf(recording, 'gc').flatMap(({ t, afterMajor }) =>
    afterMajor ? [{ atMs: Math.round(t), bytes: afterMajor.oldBytes }] : [],
  );
}

function toPlace(location: Location | null): Place | null {
  return location && { file: location.file, line: location.line, column: location.column, function: location.function };
}

function keyOf(place: Place | null): string {
  return place ? `${place.file}:${place.line}` : '';
}
