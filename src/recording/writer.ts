import { ChunkFile, codeOf } from './chunk-file.ts';
import { createLosses, REASONS } from './losses.ts';
import type { Header, Row } from './types.ts';
import { type WaitingLine, WaitingLines } from './waiting-lines.ts';

/** Rows are gathered in memory at most until they have this many characters; `flush` writes them earlier. */
const BATCH_CHARACTERS = 64 * 1024;
/** While they cannot be written, this many characters wait: minutes of rows. */
const WAITING_CHARACTERS = 1 << 20;
/** Problems that may pass; the folder is right anyway. */
const PASSING: Record<string, string> = {
  EMFILE: 'the process has no file descriptor left',
  ENFILE: 'the system has no file descriptor left',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  ENOMEM: 'no memory',
};

/** Is called around all work on storage, which may hang. */
export interface Storage {
  use(work: () => void): void;
  /** One such piece of work: makes the folder and a file in it. */
  begin(folder: string, work: () => void): void;
}

export interface WriterOptions {
  folder: string;
  header: Header;
  maxBytes: number;
  onError(message: string): void;
  storage: Storage;
}

/**
 * Writes a recording: a folder (0700) and in it a file (0600) that is appended to.
 *
 * At half of `maxBytes` the file becomes the older chunk and replaces the previous one: the folder stays below `maxBytes`.
 * Never throws. A failure (full disk, no descriptor, a folder that is gone or read-only) is reported to `onError` once, and
 * the step is repeated at each flush; rows wait meanwhile, and beyond 1 MB the oldest are dropped. A file
 * that others remove, move or cut is started again. Lost rows are counted in rows `dropped`, whatever the cause.
 */
export function openRecording(
  folder: string,
  header: Header,
  maxBytes: number,
  onError: (message: string) => void,
  storage: Storage = { use: (work) => work(), begin: (_, work) => work() },
): RecordingWriter {
  return new RecordingWriter({ folder, header, maxBytes, onError, storage });
}

/** What `openRecording` returns. */
export class RecordingWriter {
  readonly #options: WriterOptions;
  readonly #file: ChunkFile;
  readonly #losses = createLosses();
  readonly #waiting = new WaitingLines();
  readonly #headerLine: WaitingLine;
  /** Ends a line that was cut, so that the next one can be read. */
  readonly #endOfLine: WaitingLine;
  readonly #reported = new Set<string>();
  #totalBytes = 0;
  #begun = false;
  #failing = false;
  #working = false;
  /** Of the latest row. */
  #t = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#file = new ChunkFile(options.folder);
    this.#headerLine = { text: `${JSON.stringify(options.header)}\n`, rows: 0, reason: null, isHeader: true };
    this.#endOfLine = { ...this.#headerLine, text: '\n' };
  }

  /** Queues a row; `now` writes it out at once. */
  write(row: Row, now = false): void {
    const waiting = this.#waiting;
    this.#t = row.t;
    waiting.add({ text: `${JSON.stringify(row)}\n`, rows: 1, reason: null });
    if (now || (!this.#failing && waiting.characters() >= BATCH_CHARACTERS)) this.flush();
    else if (this.#failing) this.#losses.lose('unwritten', waiting.trim(WAITING_CHARACTERS));
  }

  flush(): void {
    // The error handler may write a row about it.
    if (this.#working || (this.#begun && this.#waiting.isEmpty())) return;
    this.#working = true;
    try {
      this.#options.storage.use(() => this.#writeAll());
      this.#failing = false;
    } catch (error) {
      this.#failed(error);
    } finally {
      this.#working = false;
    }
  }

  close(): void {
    this.flush();
    // They will not be written later.
    this.#losses.lose('unwritten', this.#waiting.trim(0));
    this.#options.storage.use(() => this.#file.close());
  }

  bytesWritten(): number {
    return this.#totalBytes;
  }

  /** There is a file with rows in it. */
  hasBegun(): boolean {
    return this.#begun;
  }

  /** Lost rows, except those dropped for the size limit. */
  lost(): { rows: number; why: string }[] {
    return this.#losses.harm().map(([reason, rows]) => ({ rows, why: REASONS[reason] }));
  }

  #writeAll(): void {
    const { folder, maxBytes, storage } = this.#options;
    this.#prepare();
    while (!this.#waiting.isEmpty()) {
      const bytes = this.#waiting.head(BATCH_CHARACTERS);
      const isFull = this.#file.bytes() + bytes.length > maxBytes / 2 && this.#losses.rowsInChunk() > 0;
      if (isFull && !this.#waiting.isPartial()) storage.begin(folder, () => this.#rotate());
      else this.#put(bytes);
    }
  }

  /** Makes a file if there is none, or the existing one is gone. */
  #prepare(): void {
    const { folder, storage } = this.#options;
    const found = this.#file.look();
    if (found === 'gone') storage.begin(folder, () => this.#beginAnew());
    else if (found === 'closed') storage.begin(folder, () => this.#beginAfter());
    else if (found === 'same') this.#waiting.lead(null, this.#lostLines());
    else this.#afterCut(found.share);
  }

  #put(bytes: Uint8Array): void {
    this.#file.append(bytes, (count) => {
      this.#totalBytes += count;
      this.#begun ||= count > 0;
      for (const line of this.#waiting.advance(count)) this.#losses.written(line);
    });
  }

  #rotate(): void {
    if (this.#file.retire()) this.#losses.rotated();
    else this.#losses.gone(this.#file.hasOlder());
    this.#begin();
  }

  #begin(): void {
    this.#file.begin();
    this.#waiting.restart();
    this.#waiting.lead(this.#headerLine, this.#lostLines());
  }

  /** The current file becomes the older chunk. */
  #beginAfter(): void {
    this.#losses.rotated();
    this.#begin();
  }

  #beginAnew(): void {
    const rows = this.#losses.gone(this.#file.hasOlder());
    if (rows > 0)
      this.#report('removed', `the recording's file was removed while it was written: ${rows} rows are lost`);
    this.#begin();
  }

  #afterCut(share: number): void {
    const rows = this.#losses.cut(share);
    this.#waiting.restart();
    this.#waiting.lead(share === 0 ? this.#headerLine : this.#endOfLine, this.#lostLines());
    if (rows > 0) this.#report('removed', `the recording's file was cut while it was written: ${rows} rows are lost`);
  }

  #lostLines(): WaitingLine[] {
    return this.#losses.unstated().map(([reason, rows]) => ({
      text: `${JSON.stringify({ t: this.#t, type: 'dropped', rows, why: REASONS[reason] })}\n`,
      rows,
      reason,
    }));
  }

  #failed(error: unknown): void {
    this.#failing = true;
    this.#losses.lose('unwritten', this.#waiting.trim(WAITING_CHARACTERS));
    const { folder } = this.#options;
    const code = codeOf(error);
    const passing = PASSING[code];
    const why = passing ? `${code}, ${passing}` : code;
    if (this.#begun) {
      const until = 'rows wait in memory until it can, and the oldest are dropped';
      this.#report('write', `the recording cannot be written (${why}); ${until}`);
    } else if (passing)
      this.#report('start', `no recording yet: ${folder} cannot be written (${why}); the agent tries again`);
    else
      this.#report('start', `no recording: ${folder} cannot be written (${why}); set EVDIAG_OUT to a writable folder`);
  }

  #report(what: 'start' | 'write' | 'removed', message: string): void {
    if (this.#reported.has(what)) return;
    this.#reported.add(what);
    this.#options.onError(message);
  }
}
