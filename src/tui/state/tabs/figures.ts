/** The figures of the overview: a trend, and the current value. */
import type { Recording, RowOf } from '../../../recording/types.ts';
import { formatBytes, formatCount, formatMs, formatShare } from '../../../util/text.ts';
import { largest, trend } from '../facts.ts';
import { lastOf, rowsOf } from '../rows.ts';
import { span } from '../text.ts';
import type { Line, Span, Tone } from '../types.ts';
import { heapAfterMajor } from './memory.ts';
import { cpuShare } from './threads.ts';

interface Figure {
  label: string;
  bars(recording: Recording, width: number): string;
  /** Empty if there is no data yet. */
  now(recording: Recording): readonly Span[];
}

/** From these values on a figure is shown as suspicious, and as bad: the limits of the detectors that judge it. */
const LIMIT = { busy: [0.7, 0.95], gc: [0.12, 0.4] } as const;
const LABEL = 12;
/** The width of the longest text of a figure beside its bars. */
const TEXT = 78;
const MAX_BARS = 60;
const MIN_BARS = 8;

/** Only some figures, if `labels` names them. */
export function figureLines(recording: Recording, columns: number, labels?: readonly string[]): Line[] {
  const width = Math.max(MIN_BARS, Math.min(MAX_BARS, columns - TEXT));
  const figures = FIGURES.filter(({ label }) => !labels || labels.includes(label));
  return figures.map(({ label, bars, now }) => {
    const value = now(recording);
    return [
      span(label.padEnd(LABEL), 'dim'),
      span(bars(recording, width).padEnd(width + 2), 'accent'),
      ...(value.length > 0 ? value : [span(recording.foreign ? 'no data' : 'no data yet', 'dim')]),
    ];
  });
}

const FIGURES: readonly Figure[] = [
  {
    label: 'loop delay',
    bars: (recording, width) =>
      trend(recording, 'event-loop-delay', (row) => Math.max(row.maxMs, row.heartbeatMaxMs), width),
    now: delayNow,
  },
  {
    label: 'loop busy',
    bars: (recording, width) => trend(recording, 'event-loop-utilization', (row) => row.utilization, width),
    now(recording) {
      const busy = lastOf(recording, 'event-loop-utilization')?.utilization;
      return busy === undefined ? [] : [span(formatShare(busy), toneOf(busy, LIMIT.busy))];
    },
  },
  {
    label: 'CPU',
    bars: (recording, width) => trend(recording, 'cpu', (row) => row.userMs + row.systemMs, width),
    now(recording) {
      const row = lastOf(recording, 'cpu');
      if (!row || row.intervalMs <= 0) return [];
      const thread = cpuShare(recording);
      return [
        span(thread === null ? '' : `thread ${formatShare(thread)}  `),
        span(`process ${formatShare((row.userMs + row.systemMs) / row.intervalMs)}`),
      ];
    },
  },
  {
    label: 'collector',
    bars: (recording, width) => trend(recording, 'gc', (row) => row.totalMs, width),
    now(recording) {
      const row = lastOf(recording, 'gc');
      if (!row) return [];
      const share = row.totalMs / Math.max(1, row.observedMs ?? 1000);
      return [
        span(`${formatShare(share)} of the time`, toneOf(share, LIMIT.gc)),
        span(`  longest ${formatMs(row.maxMs)}`, 'dim'),
      ];
    },
  },
  {
    label: 'heap',
    bars: (recording, width) => trend(recording, 'memory', (row) => row.heapUsedBytes, width),
    now(recording) {
      const row = lastOf(recording, 'memory');
      const after = heapAfterMajor(recording);
      if (!row) return [];
      return [
        span(formatBytes(row.heapUsedBytes)),
        span(after === null ? '' : `  after a major collection ${formatBytes(after)}`, 'dim'),
        span(`  resident ${formatBytes(row.rssBytes)}`, 'dim'),
      ];
    },
  },
  {
    label: 'handles',
    bars: (recording, width) => trend(recording, 'active-resources', (row) => row.total, width),
    now(recording) {
      const row = lastOf(recording, 'active-resources');
      return row ? [span(formatCount(row.total))] : [];
    },
  },
  {
    label: 'pending',
    bars: (recording, width) => trend(recording, 'unfinished', pendingIn, width),
    now(recording) {
      const row = lastOf(recording, 'unfinished');
      if (!row) return recording.foreign ? [] : [span('not followed at level watch', 'dim')];
      return [span(`${formatCount(pendingIn(row))} suspended calls`)];
    },
  },
];

function delayNow(recording: Recording): Span[] {
  const row = lastOf(recording, 'event-loop-delay');
  if (!row) return [];
  const { slowMs } = recording.header;
  const tone = (ms: number): Tone => (ms >= slowMs ? 'bad' : ms >= slowMs / 2 ? 'warn' : 'good');
  const worst = largest(
    rowsOf(recording, 'event-loop-delay').map(({ maxMs }) => maxMs),
    0,
  );
  return [
    span(`p50 ${formatMs(row.p50Ms)}  p90 ${formatMs(row.p90Ms)}  `),
    span(`p99 ${formatMs(row.p99Ms)}`, tone(row.p99Ms)),
    span(`  max ${formatMs(row.maxMs)}`, tone(row.maxMs)),
    span(`  worst ${formatMs(worst)}`, 'dim'),
  ];
}

function toneOf(value: number, [warn, bad]: readonly [number, number]): Tone {
  return value >= bad ? 'bad' : value >= warn ? 'warn' : 'good';
}

/** Suspended calls. A row is read again in each frame. */
const pending = new WeakMap<RowOf<'unfinished'>, number>();

function pendingIn(row: RowOf<'unfinished'>): number {
  const known =
    pending.get(row) ?? row.entries.reduce((sum, { what, alive }) => sum + (what === 'await' ? alive : 0), 0);
  pending.set(row, known);
  return known;
}
