import { chunksOf } from './chunks.ts';
import { fieldsOf } from './protobuf.ts';

/** What clinic doctor samples, every 10 ms by default (`format/process-stat.proto` of @clinic/doctor). */
export interface ProcessStat {
  /** Wall-clock time, in ms since 1970. */
  timestamp: number;
  /** How late the timer of the sample fired. */
  delayMs: number;
  /** CPU time of the process as a share of a core. */
  cpu: number;
  rssBytes: number;
  heapTotalBytes: number;
  heapUsedBytes: number;
  externalBytes: number;
  arrayBuffersBytes: number;
  handles: number;
}

const PREFIX_BYTES = 2;

/** Each message is preceded by its length, in 16 bits. A damaged message is null; `onEnd` as in traceEventsOf. */
export function* processStatsOf(file: string, onEnd: (truncated: boolean) => void): Generator<ProcessStat | null> {
  let rest: Buffer = Buffer.alloc(0);
  for (const chunk of chunksOf(file)) {
    const bytes = Buffer.concat([rest, chunk]);
    let at = 0;
    while (at + PREFIX_BYTES <= bytes.length) {
      const end = at + PREFIX_BYTES + bytes.readUInt16BE(at);
      if (end > bytes.length) break;
      yield statOf(bytes.subarray(at + PREFIX_BYTES, end));
      at = end;
    }
    rest = bytes.subarray(at);
  }
  onEnd(rest.length > 0);
}

function statOf(message: Buffer): ProcessStat | null {
  const fields = fieldsOf(message);
  const memoryBytes = fields?.get(4);
  const memory = Buffer.isBuffer(memoryBytes) ? fieldsOf(memoryBytes) : null;
  if (!fields || !memory) return null;
  const [timestamp, delayMs, cpu, handles] = [1, 2, 3, 5].map((field) => quantity(fields.get(field)));
  const [rssBytes, heapTotalBytes, heapUsedBytes, externalBytes] = [1, 2, 3, 4].map((field) =>
    quantity(memory.get(field)),
  );
  const stat = { timestamp, delayMs, cpu, rssBytes, heapTotalBytes, heapUsedBytes, externalBytes, handles };
  // Older versions did not report array buffers.
  const arrayBuffersBytes = quantity(memory.get(5)) ?? 0;
  return Object.values(stat).includes(undefined) ? null : ({ ...stat, arrayBuffersBytes } as ProcessStat);
}

function quantity(value: number | Buffer | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
