import { codeOf, createChunkFile } from './chunk-file.ts';
import { createLosses, REASONS } from './losses.ts';
import type { Header, Row } from './types.ts';
import { createWaitingLines, type WaitingLine } from './waiting-lines.ts';

/** Rows are gathered in memory at most until they have this many characters; `flush` writes them earlier. */
const BATCH_CHARACTERS = 64 * 1024;
/** While they cannot be written, so many wait: minutes of rows. */
const WAITING_CHARACTERS = 1 << 20;
/** What may be over in a moment; the folder is the right one all the same. */
const PASSING: Record<string, string> = {
  EMFILE: 'the process has no file descriptor left',
  ENFILE: 'the system has no file descriptor left',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota is used up',
  EROFS: 'the file system is read-only',
  ENOMEM: 'no memory',
};

/** Told of all work on storage, which may hang. */
export interface Storage {
  use(work: () => void): void;
  /** A part of it: makes the folder and a file in it. */
  begin(folder: string, work: () => void): void;
}

export interface RecordingWriter {
  /** Queues a row; `now` writes it out at once. */
  write(row: Row, now?: boolean): void;
  flush(): void;
  close(): void;
  bytesWritten(): number;
  /** There is a file that rows were written to. */
  hasBegun(): boolean;
  /** Rows that went away, but for those beyond the bound. */
  lost(): { rows: number; why: string }[];
}

/**
 * Writes a recording: a folder (0700) and in it a file (0600) that is appended to.
 *
 * At half of `maxBytes` the file becomes the older chunk, in place of the one before: the folder stays below `maxBytes`.
 * Never throws. What fails (full disk, no descriptor, a folder that is gone or read-only) is told to `onError`, once, and
 * tried again at each flush from the step that failed; rows wait meanwhile, and beyond 1 MB the oldest are dropped. A file
 * that somebody removes, moves or cuts is begun anew. Rows that went away, in whatever way, are counted in `dropped` rows.
 */
export function openRecording(
  folder: string,
  header: Header,
  maxBytes: number,
  onError: (message: string) => void,
  storage: Storage = { use: (work) => work(), begin: (_, work) => work() },
): RecordingWriter {
  const file = createChunkFile(folder);
  const losses = createLosses();
  const waiting = createWaitingLines();
  const headerLine: WaitingLine = { text: `${JSON.stringify(header)}\n`, rows: 0, reason: null, isHeader: true };
  /** Ends a line that was cut, so that the next one can be read. */
  const endOfLine: WaitingLine = { ...headerLine, text: '\n' };
  let totalBytes = 0;
  let begun = false;
  let failing = false;
  let working = false;
  let t = 0;
  const toldOf = new Set<string>();

  const tell = (what: 'start' | 'write' | 'removed', message: string): void => {
    if (toldOf.has(what)) return;
    toldOf.add(what);
    onError(message);
  };
  const lostLines = (): WaitingLine[] =>
    losses.unstated().map(([reason, rows]) => ({
      text: `${JSON.stringify({ t, type: 'dropped', rows, why: REASONS[reason] })}\n`,
      rows,
      reason,
    }));
  const begin = (): void => {
    file.begin();
    waiting.restart();
    waiting.lead(headerLine, lostLines());
  };
  /** What is there becomes the older chunk. */
  const beginAfter = (): void => {
    losses.rotated();
    begin();
  };
  const beginAnew = (): void => {
    const rows = losses.gone(file.hasOlder());
    if (rows > 0) tell('removed', `the recording's file was removed while it was written: ${rows} rows are lost`);
    begin();
  };
  const afterCut = (share: number): void => {
    const rows = losses.cut(share);
    waiting.restart();
    waiting.lead(share === 0 ? headerLine : endOfLine, lostLines());
    if (rows > 0) tell('removed', `the recording's file was cut while it was written: ${rows} rows are lost`);
  };
  /** Makes a file where there is none, or the one there is went away. */
  const prepare = (): void => {
    const found = file.look();
    if (found === 'gone') storage.begin(folder, beginAnew);
    else if (found === 'closed') storage.begin(folder, beginAfter);
    else if (found === 'same') waiting.lead(null, lostLines());
    else afterCut(found.share);
  };
  const rotate = (): void => {
    if (file.retire()) losses.rotated();
    else losses.gone(file.hasOlder());
    begin();
  };
  const put = (bytes: Uint8Array): void =>
    file.append(bytes, (count) => {
      totalBytes += count;
      begun ||= count > 0;
      for (const line of waiting.advance(count)) losses.written(line);
    });
  const writeAll = (): void => {
    prepare();
    while (!waiting.isEmpty()) {
      const bytes = waiting.head(BATCH_CHARACTERS);
      const isFull = file.bytes() + bytes.length > maxBytes / 2 && losses.rowsInChunk() > 0;
      if (isFull && !waiting.isPartial()) storage.begin(folder, rotate);
      else put(bytes);
    }
  };
  const failed = (error: unknown): void => {
    failing = true;
    losses.lose('unwritten', waiting.trim(WAITING_CHARACTERS));
    const code = codeOf(error);
    const passing = PASSING[code];
    const why = passing ? `${code}, ${passing}` : code;
    if (begun)
      tell('write', `the recording cannot be written (${why}); rows wait, and the oldest are dropped, until it can`);
    else if (passing) tell('start', `no recording yet: ${folder} cannot be written (${why}); it is tried again`);
    else tell('start', `no recording: ${folder} cannot be written (${why}); set EVDIAG_OUT to a folder that can`);
  };
  const flush = (): void => {
    // Whoever hears of an error may write a row about it.
    if (working || (begun && waiting.isEmpty())) return;
    working = true;
    try {
      storage.use(writeAll);
      failing = false;
    } catch (error) {
      failed(error);
    } finally {
      working = false;
    }
  };

  return {
    write(row, now = false) {
      t = row.t;
      waiting.add({ text: `${JSON.stringify(row)}\n`, rows: 1, reason: null });
      if (now || (!failing && waiting.characters() >= BATCH_CHARACTERS)) flush();
      else if (failing) losses.lose('unwritten', waiting.trim(WAITING_CHARACTERS));
    },
    flush,
    close() {
      flush();
      // Nobody comes back for them.
      losses.lose('unwritten', waiting.trim(0));
      storage.use(file.close);
    },
    bytesWritten: () => totalBytes,
    hasBegun: () => begun,
    lost: () => losses.harm().map(([reason, rows]) => ({ rows, why: REASONS[reason] })),
  };
}
