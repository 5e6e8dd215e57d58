import type { Header, Row, RowOf, RowType } from '../../src/recording/types.ts';
import { openRecording, type RecordingWriter } from '../../src/recording/writer.ts';
import type { Storage } from './storage.ts';

/** Rows of one type kept in memory for the summary at exit; the recording on disk has them all. Deep samples and unfinished rows have up to 40 kB each. */
const MAX_ROWS_IN_MEMORY = 2000;
const MAX_LARGE_IN_MEMORY = 60;
const LARGE: ReadonlySet<RowType> = new Set(['allocations', 'deep-sample', 'unfinished']);
const LEFT_OUT = 'the summary looks at the last ones only; the recording has them';
/** A worker thread gets a folder once it has lived this long, or stalls, so that thousands of short ones leave none. */
const WORKER_FOLDER_AFTER_MS = 2000;

export interface RowStoreOptions {
  folder: string;
  header: Header;
  maxBytes: number;
  storage: Storage;
  /** Milliseconds since the recording began. */
  now(): number;
  /** Asked once, before anything is written. */
  mayWrite(): boolean;
  onRow(row: Row): void;
  /** The recording could not be written. */
  onFailure(message: string): void;
}

/** The rows of one thread: the latest in memory, all of them in its recording, which begins once the thread gets a folder. */
export class RowStore {
  readonly #options: RowStoreOptions;
  readonly #kept = new Map<RowType, Row[]>();
  #writer: RecordingWriter | null = null;
  /** Rows from before the recording has begun. */
  #unwritten: Row[] | null = [];
  #lostInMemory = 0;

  constructor(options: RowStoreOptions) {
    this.#options = options;
  }

  /** The main thread's recording begins at once. */
  begin(): void {
    if (this.#options.header.threadId === 0) this.#open();
  }

  /** `atOnce`: it is on disk when this returns. */
  add(row: Row, atOnce = false): void {
    const { onRow, header, now } = this.#options;
    onRow(row);
    this.#keep(row);
    const isWorthIt = header.threadId === 0 || row.type === 'stall-open' || now() > WORKER_FOLDER_AFTER_MS;
    if (this.#unwritten && isWorthIt) this.#open();
    if (this.#unwritten) this.#unwritten.push(row);
    else this.#writer?.write(row, atOnce);
  }

  /** The latest rows of a type, oldest first. */
  of<T extends RowType>(type: T): readonly RowOf<T>[] {
    return (this.#kept.get(type) ?? []) as RowOf<T>[];
  }

  all(): Row[] {
    return [...this.#kept.values(), this.lost()].flat().sort((a, b) => a.t - b.t);
  }

  /** What is missing in memory or on disk, by reason. */
  lost(): RowOf<'dropped'>[] {
    const lost = this.#writer?.lost() ?? [];
    if (this.#lostInMemory > 0) lost.push({ rows: this.#lostInMemory, why: LEFT_OUT });
    return lost.map((one) => ({ t: this.#options.now(), type: 'dropped', ...one }));
  }

  /** Where it is written, null if it is not. */
  folder(): string | null {
    return this.#writer?.hasBegun() ? this.#options.folder : null;
  }

  bytesWritten(): number {
    return this.#writer?.bytesWritten() ?? 0;
  }

  flush(): void {
    this.#writer?.flush();
  }

  close(): void {
    this.#writer?.close();
  }

  #keep(row: Row): void {
    const rows = this.#kept.get(row.type) ?? [];
    this.#kept.set(row.type, rows);
    rows.push(row);
    if (rows.length <= (LARGE.has(row.type) ? MAX_LARGE_IN_MEMORY : MAX_ROWS_IN_MEMORY)) return;
    rows.shift();
    this.#lostInMemory++;
  }

  #open(): void {
    const { folder, header, maxBytes, storage, mayWrite, onFailure } = this.#options;
    const rows = this.#unwritten ?? [];
    this.#unwritten = null;
    if (!mayWrite()) return;
    this.#writer = openRecording(folder, header, maxBytes, onFailure, storage);
    for (const row of rows) this.#writer.write(row);
    this.#writer.flush();
  }
}
