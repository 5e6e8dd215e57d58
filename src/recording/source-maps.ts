import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { originalPositionFor, sourceContentFor, TraceMap } from '@jridgewell/trace-mapping';
import {
  definedBefore,
  defines,
  evalPlace,
  isInNoFile,
  isShortName,
  nameAt,
  withoutCode,
} from '../util/code-places.ts';
import { readRegular } from '../util/regular-file.ts';
import type { Frame, FrameCategory } from './types.ts';

/**
 * One frame as V8's CallSite has it, with positions in the generated code: [function, url, line, column], 1 if the
 * frame is not on the stack but awaits the one before it, and where the function begins if its name is of no use: it has
 * none, or one that may be a minifier's.
 */
export type RawFrame = [name: string, url: string | null, line: number, column: number, awaits?: 0 | 1, start?: string];

/** Of a function, at the place where it begins. */
export function functionFrame(name: string, url: string | null, line: number, column: number): RawFrame {
  return [name, url, line, column, 0, `${line}:${column}`];
}

/** A larger file is not mapped: the map would cost the host too much memory. */
const MAX_FILE_BYTES = 60e6;
const MAX_CACHED_MAPS = 64;
/** The stacks of a program repeat: rows that are kept share their frames (some 300 bytes each). */
const MAX_CACHED_FRAMES = 5000;

/**
 * The text of a file as it was run, with its `sourceMappingURL`; null if it is the one on disk, undefined if that is
 * not known yet: then it is asked for again at the next frame.
 */
export type RunText = (path: string, url: string) => string | null | undefined;

export type FrameMapper = (raw: RawFrame) => Frame;

/** Turns V8's positions into frames of the original sources. Reads files, so: never on the observed main thread. */
export function createFrameMapper(runText: RunText = () => null): FrameMapper {
  const frames = new Map<string, Frame>();
  const map = createMapper(runText);
  return (raw) => {
    const key = raw.join('|');
    let frame = frames.get(key);
    if (!frame) {
      const mapped = map(raw);
      frame = Object.freeze(mapped.frame);
      if (!mapped.isFinal) return frame;
      if (frames.size >= MAX_CACHED_FRAMES) frames.clear();
      frames.set(key, frame);
    }
    return frame;
  };
}

function createMapper(runText: RunText): (raw: RawFrame) => { frame: Frame; isFinal: boolean } {
  const maps = new Map<string, TraceMap | null>();
  const mapOf = (path: string, url: string): TraceMap | null | undefined => {
    let map = maps.get(path);
    if (map !== undefined) return map;
    const text = runText(path, url);
    if (text === undefined) return undefined;
    map = loadMap(path, text);
    if (maps.size >= MAX_CACHED_MAPS) maps.delete(maps.keys().next().value!);
    maps.set(path, map);
    return map;
  };
  return (raw) => {
    const { frame, made, url } = unmapped(raw);
    if (url === null || frame.category === 'node' || !isAbsolute(frame.file)) return final(frame);
    const map = mapOf(frame.file, url);
    if (!map) return { frame, isFinal: map === null };
    const [name, , , , , start] = raw;
    const mapped = original(frame, map);
    const isMapped = mapped !== frame && !made && name !== '' && isShortName(name);
    return final(isMapped ? { ...mapped, ...nameOf(name, start, frame, mapped, map) } : mapped);
  };
}

/** With its positions in the generated code: no file is read. */
export function plainFrame(raw: RawFrame): Frame {
  return unmapped(raw).frame;
}

/** `url` is null if it is native, `made` if the code was made by `eval` there. */
function unmapped([name, rawUrl, rawLine, rawColumn, awaits, start]: RawFrame) {
  const waits = awaits && { awaits: true as const };
  if (rawUrl === null) {
    const frame: Frame = { function: name, file: '', line: 0, column: 0, category: 'native', ...waits };
    return { frame, made: null, url: null };
  }
  const made = evalPlace(rawUrl);
  const { url, line, column } = made ?? { url: rawUrl, line: rawLine, column: rawColumn };
  const path = withoutCode(pathOf(url));
  const where = !name && !made && start ? { start } : {};
  const frame: Frame = { function: name, file: path, line, column, category: categoryOf(path), ...where, ...waits };
  return { frame, made, url };
}

function final(frame: Frame): { frame: Frame; isFinal: true } {
  return { frame, isFinal: true };
}

function original(raw: Frame, map: TraceMap): Frame {
  const found = positionIn(map, Math.max(1, raw.line), Math.max(0, raw.column - 1));
  if (!found?.source || found.line === null) return raw;
  const file = pathOf(found.source);
  // Virtual sources (webpack:///./src/a.ts) are not on disk, but their names are the ones that people know.
  return { ...raw, file, line: found.line, column: (found.column ?? 0) + 1, category: categoryOf(file) };
}

/**
 * The name in the source of a function with a short name. A name that the source does not have was made by a minifier: then
 * the function counts as unnamed, and its line identifies it.
 */
function nameOf(name: string, start: string | undefined, frame: Frame, mapped: Frame, map: TraceMap): NameOfFunction {
  const begin = start ?? startOf(name, frame);
  const known = begin ? originalName(name, begin, map) : null;
  if (known) return { function: known };
  const lines = sourcesOf(map, mapped.file);
  if (lines === null || lines.some((line) => defines(line, name))) return { function: name };
  return { function: '', ...(begin !== null && { start: begin }) };
}

type NameOfFunction = Pick<Frame, 'function' | 'start'>;

/** Where its parameters begin, "line:column", according to the text: a written stack does not say. */
function startOf(name: string, { file, line, column }: Frame): string | null {
  const text = readText(file);
  let from = 0;
  for (let row = 1; row < line && from >= 0; row++) from = text.indexOf('\n', from) + 1 || -1;
  if (from < 0) return null;
  const at = definedBefore(text, name, from + column - 1);
  if (at === null) return null;
  const before = text.slice(0, at);
  return `${before.split('\n').length}:${at - before.lastIndexOf('\n')}`;
}

/** Of a function that begins there in the generated code, "line:column". */
function originalName(name: string, start: string, map: TraceMap): string | null {
  const [line = 0, column = 0] = start.split(':').map(Number);
  if (line < 1 || column < 1) return null;
  const found = positionIn(map, line, column - 1);
  if (!found || found.source === null) return null;
  const text = linesOf(map, found.source)?.[found.line - 1];
  if (text !== undefined) return nameAt(text, found.column);
  // Without the source, the map may know what was at the end of the name, where the parameters begin.
  return positionIn(map, line, column - 1 - name.length)?.name ?? null;
}

/** The text of a place, by the path of its file. */
function sourcesOf(map: TraceMap, file: string): string[] | null {
  const source = map.resolvedSources.find((url) => pathOf(url) === file);
  return source === undefined ? null : linesOf(map, source);
}

/** Null if the map is damaged: it is decoded only at this point. In a profile any number may be given as a line. */
function positionIn(map: TraceMap, line: number, column: number): ReturnType<typeof originalPositionFor> | null {
  try {
    return originalPositionFor(map, { line: Math.trunc(line), column: Math.trunc(column) });
  } catch {
    return null;
  }
}

const lines = new WeakMap<TraceMap, Map<string, string[] | null>>();

function linesOf(map: TraceMap, source: string): string[] | null {
  const known = lines.get(map) ?? new Map<string, string[] | null>();
  lines.set(map, known);
  let found = known.get(source);
  if (found !== undefined) return found;
  try {
    const text = sourceContentFor(map, source) ?? readText(pathOf(source));
    found = text.split('\n');
  } catch {
    found = null;
  }
  if (known.size >= MAX_CACHED_MAPS) known.clear();
  known.set(source, found);
  return found;
}

/** The path of a file that is named by a URL; anything else stays as it is. */
export function pathOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    return url;
  }
}

/** A module of the runtime itself: of Node, of Bun (`bun:main`, `internal:errors`) or Deno (`ext:core/01_core.js`). */
export function isRuntimes(path: string): boolean {
  return /^(node|bun|internal|builtin|ext):/.test(path);
}

function categoryOf(path: string): FrameCategory {
  if (isRuntimes(path)) return 'node';
  // WebAssembly has no lines; Node's own HTTP parser is some.
  if (path.startsWith('wasm:')) return 'native';
  // As a package's code, what is in no file is the concern of whoever calls it.
  return isInNoFile(path) || /[\\/]node_modules[\\/]/.test(path) ? 'dependency' : 'application';
}

function loadMap(path: string, runText: string | null): TraceMap | null {
  try {
    const url = lastMapUrl(runText ?? readText(path));
    if (!url) return null;
    const inline = /^data:application\/json[^,]*?(;base64)?,/.exec(url);
    if (inline) {
      const body = url.slice(inline[0].length);
      const json = inline[1] ? Buffer.from(body, 'base64').toString('utf8') : decodeURIComponent(body);
      return new TraceMap(json, pathToFileURL(path).href);
    }
    const mapPath = url.startsWith('file:') ? pathOf(url) : resolve(dirname(path), decodeURIComponent(url));
    const json = readRegular(mapPath, MAX_FILE_BYTES)?.toString('utf8');
    return json === undefined ? null : new TraceMap(json, pathToFileURL(join(mapPath)).href);
  } catch {
    // With a broken map the generated position is used.
    return null;
  }
}

/** '' if it is no regular file, or too large: the path may be anything, as it is from a recording or a profile. */
function readText(path: string): string {
  return readRegular(path, MAX_FILE_BYTES)?.toString('utf8') ?? '';
}

/** The last `//# sourceMappingURL=` comment: bundles may contain those of their parts. */
function lastMapUrl(text: string): string | null {
  const at = text.lastIndexOf('# sourceMappingURL=');
  if (at < 0) return null;
  return /^[^\s'"`]+/.exec(text.slice(at + '# sourceMappingURL='.length))?.[0] ?? null;
}
