import { closeSync, fchmodSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { OLDER_FILE, RECORDING_FILE } from './paths.ts';
import type { Header, Row } from './types.ts';

/** Rows wait in memory at most until this many characters have gathered; `flush` writes them earlier. */
const BUFFER_CHARACTERS = 64 * 1024;

export interface RecordingWriter {
  /** Queues a row; `now` writes it out at once. */
  write(row: Row, now?: boolean): void;
  flush(): void;
  close(): void;
  bytesWritten(): number;
}

/**
 * Opens a recording folder (0700) and appends to its file (0600).
 *
 * At half of `maxBytes` the file becomes the older chunk, in place of the one before: the folder stays below
 * `maxBytes`, and what went away is counted in a `dropped` row. A failed write (disk full) drops rows, tells
 * `onError` once, and goes on when writing works again. Throws only when the folder or file cannot be made.
 */
export function openRecording(
  folder: string,
  header: Header,
  maxBytes: number,
  onError: (message: string) => void,
): RecordingWriter {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  let file = openChunk(folder);
  let buffer = '';
  let bufferedRows = 0;
  let chunkBytes = 0;
  let chunkRows = 0;
  /** Rows that each kept chunk holds or says are lost: what is lost for good when it goes away. */
  let olderRows = 0;
  let goneRows = 0;
  let olderStated = 0;
  let totalBytes = 0;
  let failedRows = 0;
  let told = false;
  let midLine = false;
  let t = 0;

  const put = (text: string): void => {
    const bytes = Buffer.from(midLine ? `\n${text}` : text);
    let offset = 0;
    try {
      while (offset < bytes.length) offset += writeSync(file, bytes, offset);
      midLine = false;
    } catch (error) {
      // A full disk may have taken half a line: the next write ends it, and readers skip that one line.
      if (offset > 0) midLine = bytes[offset - 1] !== 10;
      throw error;
    } finally {
      chunkBytes += offset;
      totalBytes += offset;
    }
  };

  const lost = (rows: number, why: string): string => `${JSON.stringify({ t, type: 'dropped', rows, why })}\n`;

  const rotate = (): void => {
    renameSync(join(folder, RECORDING_FILE), join(folder, OLDER_FILE));
    const next = openChunk(folder);
    closeSync(file);
    file = next;
    chunkBytes = 0;
    midLine = false;
    goneRows += olderRows;
    olderRows = chunkRows;
    chunkRows = 0;
    put(`${JSON.stringify(header)}\n`);
    // The two chunks that are kept say together how many rows went away.
    const stated = goneRows - olderStated;
    olderStated = stated;
    if (stated > 0) put(lost(stated, 'the recording reached its bound (EVDIAG_MAX_MB)'));
  };

  const flush = (): void => {
    if (buffer === '') return;
    const text = buffer;
    const rows = bufferedRows;
    buffer = '';
    bufferedRows = 0;
    try {
      if (chunkBytes + text.length > maxBytes / 2 && chunkRows > 0) rotate();
      if (failedRows > 0) put(lost(failedRows, 'the recording could not be written'));
      chunkRows += failedRows;
      failedRows = 0;
      put(text);
      chunkRows += rows;
    } catch (error) {
      failedRows += rows;
      if (!told) onError(`the recording cannot be written (${codeOf(error)}); rows are dropped until it can`);
      told = true;
    }
  };

  put(`${JSON.stringify(header)}\n`);
  return {
    write(row, now = false) {
      t = row.t;
      buffer += `${JSON.stringify(row)}\n`;
      bufferedRows++;
      if (now || buffer.length >= BUFFER_CHARACTERS) flush();
    },
    flush,
    close() {
      flush();
      closeSync(file);
    },
    bytesWritten: () => totalBytes,
  };
}

function openChunk(folder: string): number {
  const file = openSync(join(folder, RECORDING_FILE), 'w', 0o600);
  fchmodSync(file, 0o600);
  return file;
}

function codeOf(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
}
