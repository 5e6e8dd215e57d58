/**
 * The contract between the observed process and everything that judges it.
 *
 * A recording is a folder that holds `recording.ndjson`: one JSON object per line, the first line is the header.
 * Every row has `t` (milliseconds since the header's start, monotonic) and `type`; other fields carry their unit in
 * their name. Readers ignore unknown types and fields.
 */

import type { DeepSampleRow, TriggerRow } from './rows/deep-samples.ts';
import type { AgentErrorRow, DroppedRow, EndRow, Header, LevelRow, SignalRow } from './rows/header.ts';
import type {
  ActiveResourcesRow,
  AgentCostRow,
  CpuRow,
  EventLoopDelayRow,
  EventLoopUtilizationRow,
  LoopTurnsRow,
  ThreadsRow,
} from './rows/load.ts';
import type { AllocationsRow, GcRow, MemoryRow } from './rows/memory.ts';
import type { ConnectionsRow, LookupsRow, UpstreamsRow } from './rows/outgoing.ts';
import type { SerialRow } from './rows/serial.ts';
import type { StallOpenRow, StallRow } from './rows/stalls.ts';
import type { TransfersRow } from './rows/transfers.ts';
import type { AbortedRow, OrphansRow, RejectionRow, SuspendedRow, UnfinishedRow, WaitsRow } from './rows/unfinished.ts';
import type { WorkRow } from './rows/work.ts';

export * from './rows/deep-samples.ts';
export * from './rows/header.ts';
export * from './rows/load.ts';
export * from './rows/memory.ts';
export * from './rows/outgoing.ts';
export * from './rows/places.ts';
export * from './rows/serial.ts';
export * from './rows/stalls.ts';
export * from './rows/transfers.ts';
export * from './rows/unfinished.ts';
export * from './rows/work.ts';

export const FORMAT_MAJOR = 1;
export const FORMAT_MINOR = 7;

export type Row =
  | EventLoopDelayRow
  | EventLoopUtilizationRow
  | ActiveResourcesRow
  | MemoryRow
  | GcRow
  | CpuRow
  | AgentCostRow
  | StallOpenRow
  | StallRow
  | LoopTurnsRow
  | ThreadsRow
  | LevelRow
  | TriggerRow
  | DeepSampleRow
  | UnfinishedRow
  | SuspendedRow
  | AbortedRow
  | OrphansRow
  | RejectionRow
  | WaitsRow
  | SerialRow
  | TransfersRow
  | ConnectionsRow
  | LookupsRow
  | UpstreamsRow
  | WorkRow
  | AllocationsRow
  | DroppedRow
  | AgentErrorRow
  | SignalRow
  | EndRow;

export type RowType = Row['type'];
export type RowOf<T extends RowType> = Extract<Row, { type: T }>;

export const ROW_TYPES: readonly RowType[] = [
  'aborted',
  'active-resources',
  'agent-cost',
  'agent-error',
  'allocations',
  'connections',
  'cpu',
  'deep-sample',
  'dropped',
  'end',
  'event-loop-delay',
  'event-loop-utilization',
  'gc',
  'level',
  'lookups',
  'loop-turns',
  'memory',
  'orphans',
  'rejection',
  'serial',
  'signal',
  'stall',
  'stall-open',
  'suspended',
  'threads',
  'transfers',
  'trigger',
  'unfinished',
  'upstreams',
  'waits',
  'work',
];

/** A recording in memory. */
export interface Recording {
  header: Header;
  rows: Row[];
  /** Time of the last row, in ms since start. */
  durationMs: number;
  /** Rows that the agent reported as lost. */
  droppedRows: number;
  /** Lines that were of an unknown type, or not readable. */
  skippedLines: number;
  /** The last line was cut off. */
  truncated: boolean;
  /** The folder it was read from, if any. */
  path: string | null;
  /** The tool that made it, if not the agent: it did not observe what has no rows. */
  foreign?: string;
}

/** A recording of which only rows of these types may be read: any other is a type error. A recording is a view of all types. */
export interface View<T extends RowType> extends Omit<Recording, 'rows'> {
  /** Never set: by it the compiler knows that a view of more types can be passed as one of fewer, and not the other way round. */
  readonly mayRead?: (type: T) => void;
}

/** By type, until a row is added: rules ask for the same rows for each of their findings. */
const known = new WeakMap<readonly Row[], { count: number; last: Row | undefined; byType: Map<RowType, Row[]> }>();

/** The rows of one type, in order of time. The list is the same until a row is added. */
export function rowsOf<T extends RowType>(recording: View<T>, type: T): readonly RowOf<T>[] {
  const rows = allRows(recording);
  const before = known.get(rows);
  if (before && before.count === rows.length && before.last === rows.at(-1)) return listOf(before.byType, type);
  const byType = new Map<RowType, Row[]>();
  for (const row of rows) {
    const same = byType.get(row.type);
    if (same) same.push(row);
    else byType.set(row.type, [row]);
  }
  known.set(rows, { count: rows.length, last: rows.at(-1), byType });
  return listOf(byType, type);
}

function listOf<T extends RowType>(byType: ReadonlyMap<RowType, readonly Row[]>, type: T): readonly RowOf<T>[] {
  return (byType.get(type) ?? []) as RowOf<T>[];
}

/** All rows, whatever the view: for caches, which have to know when rows are added. */
export function allRows(recording: View<never>): readonly Row[] {
  return (recording as Recording).rows;
}
