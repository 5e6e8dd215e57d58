import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { originalPositionFor, TraceMap } from '@jridgewell/trace-mapping';
import type { Frame, FrameCategory } from './types.ts';

/**
 * One frame as V8's CallSite tells it, positions in the generated code: [function, url, line, column], 1 where the
 * frame is not on the stack but awaits the one before it, and where the function begins if it has no name.
 */
export type RawFrame = [name: string, url: string | null, line: number, column: number, awaits?: 0 | 1, start?: string];

/** A larger file is taken as it is: its map would cost the host more memory than the line is worth. */
const MAX_FILE_BYTES = 60e6;
const MAX_CACHED_MAPS = 64;
/** The stacks of a program repeat: rows that are kept share their frames (some 300 bytes each). */
const MAX_CACHED_FRAMES = 5000;

/** The text of a file as it was run, with its `sourceMappingURL`; null where it is the one on disk. */
export type RunText = (path: string) => string | null;

/** Turns V8's positions into frames of the original sources. Reads files, so: never on the observed main thread. */
export function createFrameMapper(runText: RunText = () => null): (raw: RawFrame) => Frame {
  const frames = new Map<string, Frame>();
  const map = createMapper(runText);
  return (raw) => {
    const key = raw.join('|');
    let frame = frames.get(key);
    if (!frame) {
      frame = Object.freeze(map(raw));
      if (frames.size >= MAX_CACHED_FRAMES) frames.clear();
      frames.set(key, frame);
    }
    return frame;
  };
}

function createMapper(runText: RunText): (raw: RawFrame) => Frame {
  const maps = new Map<string, TraceMap | null>();
  return ([name, url, line, column, awaits, start]) => {
    const waits = { ...(start && { start }), ...(awaits && { awaits: true as const }) };
    if (url === null) return { function: name, file: '', line: 0, column: 0, category: 'native', ...waits };
    const path = url.startsWith('file:') ? pathOf(url) : url;
    const raw: Frame = { function: name, file: path, line, column, category: categoryOf(path), ...waits };
    if (raw.category === 'node' || !isAbsolute(path)) return raw;
    let map = maps.get(path);
    if (map === undefined) {
      map = loadMap(path, runText);
      if (maps.size >= MAX_CACHED_MAPS) maps.delete(maps.keys().next().value!);
      maps.set(path, map);
    }
    return map ? original(raw, map) : raw;
  };
}

function original(raw: Frame, map: TraceMap): Frame {
  const found = originalPositionFor(map, { line: Math.max(1, raw.line), column: Math.max(0, raw.column - 1) });
  if (!found.source || found.line === null) return raw;
  const file = found.source.startsWith('file:') ? pathOf(found.source) : found.source;
  // Virtual sources (webpack:///./src/a.ts) have no place on disk but are still the name people know.
  return { ...raw, file, line: found.line, column: (found.column ?? 0) + 1, category: categoryOf(file) };
}

function pathOf(url: string): string {
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}

function categoryOf(path: string): FrameCategory {
  if (path.startsWith('node:')) return 'node';
  // WebAssembly has no lines; Node's own HTTP parser is some.
  if (path.startsWith('wasm:')) return 'native';
  return /[\\/]node_modules[\\/]/.test(path) ? 'dependency' : 'application';
}

function loadMap(path: string, runText: RunText): TraceMap | null {
  try {
    if (statSync(path).size > MAX_FILE_BYTES) return null;
    const text = runText(path) ?? readFileSync(path, 'utf8');
    const url = lastMapUrl(text);
    if (!url) return null;
    const inline = /^data:application\/json[^,]*?(;base64)?,/.exec(url);
    if (inline) {
      const body = url.slice(inline[0].length);
      const json = inline[1] ? Buffer.from(body, 'base64').toString('utf8') : decodeURIComponent(body);
      return new TraceMap(json, pathToFileURL(path).href);
    }
    const mapPath = url.startsWith('file:') ? pathOf(url) : resolve(dirname(path), decodeURIComponent(url));
    if (!existsSync(mapPath) || statSync(mapPath).size > MAX_FILE_BYTES) return null;
    return new TraceMap(readFileSync(mapPath, 'utf8'), pathToFileURL(join(mapPath)).href);
  } catch {
    // A broken map is no reason to lose the place: the generated position stands.
    return null;
  }
}

/** The last `//# sourceMappingURL=` comment: bundles may carry those of their parts inside. */
function lastMapUrl(text: string): string | null {
  const at = text.lastIndexOf('# sourceMappingURL=');
  if (at < 0) return null;
  return /^[^\s'"`]+/.exec(text.slice(at + '# sourceMappingURL='.length))?.[0] ?? null;
}
