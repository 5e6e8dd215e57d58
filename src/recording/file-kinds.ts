/** What a file is, judged by its beginning: for an input that was given to the wrong command. */
import { closeSync } from 'node:fs';
import { InputError } from '../util/input-error.ts';
import { openRegular, readBytes } from '../util/regular-file.ts';

const HEAD_BYTES = 4096;

/** Kinds of input, by what reads them. */
export type FileKind = 'recording' | 'profile' | 'snapshot' | 'other';

interface Sign {
  pattern: RegExp;
  kind: FileKind;
  /** A fragment: "a heap snapshot". */
  what: string;
  /** What to do with the file, a sentence or its end. */
  cure: (path: string) => string;
}

const profileCure = (path: string): string => `"evdiag stats ${path}" and "evdiag flame ${path}" read it.`;

/** The first that fits counts. */
const SIGNS: readonly Sign[] = [
  {
    pattern: /^\s*\{\s*"snapshot"\s*:/,
    kind: 'snapshot',
    what: 'a heap snapshot',
    cure: (path) => `"evdiag leaks ${path}" reads it.`,
  },
  {
    pattern: /^\s*\{[^{}]*"type":"header"[^{}]*"format":"evdiag-recording"/,
    kind: 'recording',
    what: 'a recording',
    cure: (path) => `"evdiag report ${path}" reads it.`,
  },
  {
    pattern: /^\s*\{\s*"schema"\s*:\s*"evdiag-dump\//,
    kind: 'profile',
    what: 'a dump of suspended calls',
    cure: (path) => `"evdiag flame ${path}" draws it.`,
  },
  {
    pattern: /^\s*\{\s*"schema"\s*:\s*"evdiag-/,
    kind: 'other',
    what: 'what evdiag printed as JSON',
    cure: () => 'Give the recording, profile or snapshot that it was made from.',
  },
  {
    pattern: /"traceEvents"\s*:/,
    kind: 'other',
    what: 'a timeline of trace events',
    cure: () => 'Open it in ui.perfetto.dev or chrome://tracing.',
  },
  {
    pattern: /^\s*\{[\s\S]*"head"\s*:\s*\{[\s\S]*"hitCount"/,
    kind: 'profile',
    what: 'a CPU profile',
    cure: profileCure,
  },
  { pattern: /^\s*\{[\s\S]*"head"\s*:\s*\{/, kind: 'profile', what: 'an allocation profile', cure: profileCure },
  { pattern: /^\s*\{[\s\S]*"nodes"\s*:\s*\[\s*\{/, kind: 'profile', what: 'a CPU profile', cure: profileCure },
  {
    pattern: /speedscope\.app\/file-format-schema/,
    kind: 'profile',
    what: 'a profile of speedscope',
    cure: profileCure,
  },
  { pattern: /^v8-version,/, kind: 'profile', what: "V8's log", cure: profileCure },
];

/** Throws InputError, naming the command that reads the file, if it is certainly of another kind. Unreadable files are left to others. */
export function requireKind(path: string, wanted: FileKind): void {
  const head = headOf(path);
  const sign = head === null ? undefined : SIGNS.find(({ pattern }) => pattern.test(head));
  if (sign && sign.kind !== wanted) throw new InputError(`"${path}" is ${sign.what}. ${sign.cure(path)}`);
}

/** The first bytes of a regular file as text; null where it cannot be read. */
export function headOf(path: string): string | null {
  try {
    const descriptor = openRegular(path);
    if (descriptor === null) return null;
    try {
      return readBytes(descriptor, HEAD_BYTES).toString('latin1');
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return null;
  }
}
