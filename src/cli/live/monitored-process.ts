import type { Hello } from '../../protocol/hello.ts';
import { type Recording, rowsOf } from '../../recording/types.ts';
import { buildReport } from '../../report/report.ts';
import { commandText } from '../../report/words.ts';
import { maxOf } from '../../util/numbers.ts';

/** A process is judged at most for this share of the time. */
const JUDGING_SHARE = 0.05;

interface Common {
  schema: 'evdiag-monitor/1';
  /** ISO 8601. */
  time: string;
  pid: number;
  command: string;
}

export interface MonitorEvent extends Common {
  event: 'found' | 'appeared' | 'ended';
}

/** Since the sample before; of the main thread, but for the findings. What is not known yet is null. */
export interface MonitorSample extends Common {
  event: 'sample';
  utilization: number | null;
  delayP99Ms: number | null;
  /** By stalls, with one that is still on. */
  blockedMs: number;
  isBlocked: boolean;
  heapUsedBytes: number | null;
  rssBytes: number | null;
  findings: { critical: number; warning: number };
  worst: { rule: string; severity: string; file: string | null; line: number | null } | null;
}

/** What is said of a process while it is monitored. */
export class MonitoredProcess {
  readonly pid: number;
  readonly #command: string;
  readonly #recordings: () => Recording[];
  /** When its recording began, on our clock. */
  readonly #beganAt: number;
  #sampledAtMs: number;
  #judged: Pick<MonitorSample, 'findings' | 'worst'> = { findings: { critical: 0, warning: 0 }, worst: null };
  #judgeAgainAt = 0;

  constructor(hello: Hello, recordings: () => Recording[]) {
    this.pid = hello.pid;
    this.#command = commandText(hello.argv);
    this.#recordings = recordings;
    this.#beganAt = performance.now() - hello.uptimeMs;
    this.#sampledAtMs = hello.uptimeMs;
  }

  event(event: MonitorEvent['event']): MonitorEvent {
    return { ...this.#common(), event };
  }

  sample(): MonitorSample {
    const recordings = this.#recordings();
    const main = recordings.find(({ header }) => header.threadId === 0);
    const [sinceMs, nowMs] = [this.#sampledAtMs, performance.now() - this.#beganAt];
    this.#sampledAtMs = nowMs;
    this.#judge(recordings);
    return {
      ...this.#common(),
      event: 'sample',
      ...(main ? figuresOf(main, sinceMs, nowMs) : NOTHING),
      ...this.#judged,
    };
  }

  #common(): Common {
    return { schema: 'evdiag-monitor/1', time: new Date().toISOString(), pid: this.pid, command: this.#command };
  }

  #judge(recordings: readonly Recording[]): void {
    const begin = performance.now();
    if (recordings.length === 0 || begin < this.#judgeAgainAt) return;
    const { findings } = buildReport(recordings);
    const count = (wanted: string): number => findings.filter(({ severity }) => severity === wanted).length;
    const worst = findings.find(({ severity }) => severity !== 'info');
    this.#judged = {
      findings: { critical: count('critical'), warning: count('warning') },
      worst: worst
        ? {
            rule: worst.rule,
            severity: worst.severity,
            file: worst.location?.file ?? null,
            line: worst.location?.line ?? null,
          }
        : null,
    };
    const end = performance.now();
    this.#judgeAgainAt = end + (end - begin) / JUDGING_SHARE;
  }
}

const NOTHING = {
  utilization: null,
  delayP99Ms: null,
  blockedMs: 0,
  isBlocked: false,
  heapUsedBytes: null,
  rssBytes: null,
};

/** Since a time; where no row has come since, the last one. Times are those of the recording. */
export function figuresOf(main: Recording, sinceMs: number, nowMs: number): typeof NOTHING | MonitorFigures {
  const recent = <R extends { t: number }>(rows: readonly R[]): R[] => {
    const after = rows.filter(({ t }) => t > sinceMs);
    return after.length > 0 ? after : rows.slice(-1);
  };
  const loop = recent(rowsOf(main, 'event-loop-utilization'));
  const activeMs = sumOf(loop.map((row) => row.activeMs));
  const allMs = activeMs + sumOf(loop.map((row) => row.idleMs));
  const delays = recent(rowsOf(main, 'event-loop-delay')).map(({ p99Ms }) => p99Ms);
  const memory = rowsOf(main, 'memory').at(-1);
  const { blockedMs, isBlocked } = blockedIn(main, sinceMs, nowMs);
  const busy = allMs > 0 ? activeMs / allMs : null;
  const stuck = isBlocked ? Math.min(1, blockedMs / (nowMs - sinceMs)) : 0;
  return {
    // No row comes from a loop that is blocked.
    utilization: isBlocked ? Math.max(busy ?? 0, stuck) : busy,
    delayP99Ms: delays.length > 0 ? maxOf(delays) : null,
    blockedMs,
    isBlocked,
    heapUsedBytes: memory?.heapUsedBytes ?? null,
    rssBytes: memory?.rssBytes ?? null,
  };
}

type MonitorFigures = Pick<MonitorSample, keyof typeof NOTHING>;

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function blockedIn(main: Recording, sinceMs: number, nowMs: number): { blockedMs: number; isBlocked: boolean } {
  const ended = rowsOf(main, 'stall');
  const isOver = new Set(ended.map(({ id }) => id));
  const last = rowsOf(main, 'stall-open').at(-1);
  const open = last && !isOver.has(last.id) ? last : null;
  const within = (from: number, to: number): number => Math.max(0, Math.min(to, nowMs) - Math.max(from, sinceMs));
  const endedMs = sumOf(ended.map(({ startMs, durationMs }) => within(startMs, startMs + durationMs)));
  return { blockedMs: endedMs + (open ? within(open.startMs, nowMs) : 0), isBlocked: open !== null };
}
