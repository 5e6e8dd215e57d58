/**
 * Reads recordings. They are hostile input: they come by mail, from other machines and half written, so every
 * field is checked, everything is bounded, and only regular files are opened.
 */
import { dirname, resolve } from 'node:path';
import { inFamilyOrder } from './family.ts';
import { requireKind } from './file-kinds.ts';
import { clinicDoctorFolder, readClinicDoctor } from './foreign/clinic-doctor.ts';
import { HINT, InputError } from './input-error.ts';
import { type Line, linesOf } from './lines.ts';
import { locate, type Source } from './locate.ts';
import { withCurrentNames } from './renamed-rows.ts';
import { createFrameShare } from './shared-frames.ts';
import { FORMAT_MAJOR, type Header, type Recording, type Row } from './types.ts';
import { isObject, isRow, wrongHeaderField } from './validate.ts';

export { InputError } from './input-error.ts';

/** The recordings of one program: its threads, and the processes it started. */
export interface Family {
  path: string;
  /** At least one; the root process first, its main thread before its workers. */
  recordings: Recording[];
  /** Why further recordings of the family could not be read. */
  unreadable: string[];
}

/** Reads a recording folder or file, a family of them, or the newest family of an EVDIAG_OUT folder. A folder of clinic doctor, too. Throws InputError. */
export function readRecording(input: string): Recording[] {
  return readFamily(input).recordings;
}

export function readFamily(input: string): Family {
  const foreign = clinicDoctorFolder(resolve(input));
  if (foreign !== null) return { path: foreign, recordings: [readClinicDoctor(foreign)], unreadable: [] };
  const { path, sources } = locate(resolve(input), input);
  const recordings: Recording[] = [];
  const unreadable: string[] = [];
  for (const files of sources) {
    try {
      recordings.push(readFiles(files));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      unreadable.push(error.message);
    }
  }
  if (recordings.length === 0) throw new InputError(unreadable[0] ?? `"${input}" holds no recording. ${HINT}`);
  return { path, recordings: inFamilyOrder(recordings), unreadable };
}

function readFiles(files: Source): Recording {
  const last = files.at(-1) ?? '';
  const parts: Part[] = [];
  let failure: InputError | null = null;
  for (const file of files) {
    try {
      parts.push(readFile(file));
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      failure = error;
    }
  }
  // A process killed between two chunks leaves the newer one without a header: the older one still counts.
  const header = parts.at(-1)?.header;
  if (header === undefined) throw failure ?? new InputError(`"${last}" is not a recording. ${HINT}`);
  const same = parts.filter((part) => sameProcess(part.header, header));
  const rows = same.flatMap((part) => part.rows);
  if (rows.some((row, i) => row.t < (rows[i - 1]?.t ?? row.t))) rows.sort((a, b) => a.t - b.t);
  return {
    header: same[0]?.header ?? header,
    rows,
    durationMs: Math.max(0, rows.at(-1)?.t ?? 0),
    droppedRows: rows.reduce((sum, row) => sum + (row.type === 'dropped' ? Math.max(0, row.rows) : 0), 0),
    skippedLines: same.reduce((sum, part) => sum + part.skippedLines, 0),
    truncated: failure !== null || (same.at(-1)?.truncated ?? false),
    path: dirname(last),
  };
}

function sameProcess(a: Header, b: Header): boolean {
  return a.pid === b.pid && a.startedAt === b.startedAt;
}

interface Part {
  header: Header;
  rows: Row[];
  skippedLines: number;
  truncated: boolean;
}

function readFile(file: string): Part {
  let header: Header | null = null;
  const part = { rows: [] as Row[], skippedLines: 0, truncated: false };
  const share = createFrameShare();
  for (const line of linesOf(file)) {
    if (header === null) header = headerOf(line, file);
    else if (!line.whole) part.truncated = true;
    else addRow(part, line.text, share);
  }
  if (header === null)
    throw new InputError(
      `"${file}" is empty: the program ended before its first row, or the disk was full. Record it again.`,
    );
  return { header, ...part };
}

function addRow(part: { rows: Row[]; skippedLines: number }, text: string | null, share: (row: Row) => void): void {
  const value = withCurrentNames(parse(text));
  if (isRow(value)) {
    share(value);
    part.rows.push(value);
  } else if (!(isObject(value) && value.type === 'header')) part.skippedLines++;
}

function headerOf(line: Line, file: string): Header {
  const value = line.whole ? parse(line.text) : undefined;
  if (!line.whole && line.text?.startsWith('{"t":0,"type":"header"')) {
    throw new InputError(`"${file}" was cut off within its first line. Record it again.`);
  }
  if (!isObject(value) || value.type !== 'header' || value.format !== 'evdiag-recording') {
    requireKind(file, 'recording');
    throw new InputError(`"${file}" is not a recording: its first line is not the header of one. ${HINT}`);
  }
  const major = value.major;
  if (typeof major === 'number' && major > FORMAT_MAJOR) {
    throw new InputError(
      `"${file}" has recording format ${major}, and this evdiag reads up to ${FORMAT_MAJOR}. Update evdiag.`,
    );
  }
  value.threadId ??= 0;
  const wrong = wrongHeaderField(value);
  if (wrong !== null) throw new InputError(`"${file}" has a damaged header: "${wrong}" is wrong. Record it again.`);
  return value as unknown as Header;
}

function parse(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}
