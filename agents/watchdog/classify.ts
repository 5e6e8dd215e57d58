import { toLocation } from '../../src/recording/places.ts';
import type { Frame, Location, StallKind } from '../../src/recording/types.ts';

/** Packages whose calls are synchronous database access. */
const DATABASE_PACKAGES =
  /[\\/]node_modules[\\/](better-sqlite3|sqlite-sync|libsql|node-sqlite3-wasm|duckdb-sync)[\\/]/;

/** What one stack (innermost frame first) was doing, and the place in the user's code that made it do so. */
export function classify(frames: readonly Frame[]): { kind: StallKind; location: Location | null } {
  const outermost = frames.findLastIndex(isApplication);
  const loader = frames.slice(0, Math.max(0, outermost)).findLastIndex(isModuleLoader);
  if (loader >= 0) {
    // Below the outermost loader frame is the line that called require.
    const caller = frames.slice(loader).find(isApplication);
    return { kind: 'module-load', location: caller ? toLocation(caller) : null };
  }
  const innermost = frames.findIndex(isApplication);
  if (innermost < 0 && isLoading(frames)) {
    // An import of the entry module: packages are evaluated with no frame of the user's own below them.
    const loaded = frames.findLast(({ category }) => category === 'dependency');
    return { kind: 'module-load', location: loaded ? toLocation(loaded) : null };
  }
  const place = innermost >= 0 ? frames[innermost] : frames.find(({ category }) => category === 'dependency');
  const above = innermost >= 0 ? frames.slice(0, innermost) : frames;
  return { kind: kindOf(above), location: place ? toLocation(place) : null };
}

/** The innermost frame of the user's own code, else of a package. */
export function placeOf(frames: readonly Frame[]): Location | null {
  const frame = frames.find(isApplication) ?? frames.find(({ category }) => category === 'dependency');
  return frame ? toLocation(frame) : null;
}

/** True where nothing but Node's module loader called the code: the program is loading. */
export function isLoading(frames: readonly Frame[]): boolean {
  const outermost = frames.findLastIndex(({ category }) => category === 'application' || category === 'dependency');
  return outermost >= 0 && frames.slice(outermost + 1).some(isModuleLoader);
}

function isApplication({ category }: Frame): boolean {
  return category === 'application';
}

function isModuleLoader({ category, file }: Frame): boolean {
  return category === 'node' && /^node:internal\/modules\//.test(file);
}

/** Judges the frames that the user's line called, whole: the kind may be a few frames away from the innermost. */
function kindOf(above: readonly Frame[]): StallKind {
  const native = above.find(({ category }) => category === 'native')?.function ?? '';
  const inNode = (pattern: RegExp, name = /./): boolean =>
    above.some((frame) => frame.category === 'node' && pattern.test(frame.file) && name.test(frame.function));
  if (native === 'Atomics.wait') return 'sync-sleep';
  if (inNode(/^node:(internal\/)?child_process/, /Sync$/)) return 'sync-child-process';
  if (inNode(/^node:internal\/(console\/|fs\/sync_write_stream)/)) return 'sync-stdio';
  if (inNode(/^node:(net|tty|internal\/stream_base_commons)/, /rite/) && !inNode(/^node:_http_outgoing/)) {
    return 'sync-stdio';
  }
  if (inNode(/^node:(internal\/)?fs/)) return 'sync-fs';
  if (inNode(/^node:(internal\/)?crypto/)) return 'sync-crypto';
  if (inNode(/^node:zlib/)) return 'sync-zlib';
  if (inNode(/^node:sqlite/) || native.startsWith('StatementSync.') || native.startsWith('DatabaseSync.')) {
    return 'sync-database';
  }
  if (above.some(({ file }) => DATABASE_PACKAGES.test(file))) return 'sync-database';
  if (/^JSON\./.test(native)) return 'json';
  if (/^RegExp\b|^String\.(match|matchAll|replace|replaceAll|search|split)$/.test(native)) return 'regexp';
  return 'js-cpu';
}
