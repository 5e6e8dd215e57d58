import { toLocation } from '../../../src/recording/places.ts';
import type { Frame, Location, StallKind } from '../../../src/recording/types.ts';

/** Of node:sqlite, as calls of their methods are named. */
const SQLITE_CLASSES = /^(DatabaseSync|SQLTagStore|StatementSync(Iterator)?)\./;
/** Packages whose calls are synchronous database access. */
const DATABASE_PACKAGES =
  /[\\/]node_modules[\\/](better-sqlite3|sqlite-sync|libsql|node-sqlite3-wasm|duckdb-sync)[\\/]/;

/** The lines of a source file, null if it is not available. */
export type LinesOf = (file: string) => readonly string[] | null;

/** What one stack (innermost frame first) was doing, and the place in the user's code that caused it. */
export function classify(
  frames: readonly Frame[],
  linesOf: LinesOf = () => null,
): { kind: StallKind; location: Location | null } {
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
  const calls = innermost >= 0 ? frames.slice(0, innermost + 1) : frames;
  return { kind: kindOf(calls, linesOf), location: place ? toLocation(place) : null };
}

/** The innermost frame of the user's own code, or of a package. */
export function placeOf(frames: readonly Frame[]): Location | null {
  const frame = frames.find(isApplication) ?? frames.find(({ category }) => category === 'dependency');
  return frame ? toLocation(frame) : null;
}

/** True if only Node's module loader called the code: the program is loading. */
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

/** API of node:crypto that hands the work to the thread pool; all others compute where they are called. */
const POOLED_CRYPTO =
  /^(pbkdf2|scrypt|hkdf|argon2|generateKeyPair|generateKey|generatePrime|checkPrime|randomFill|asyncJob|jobPromise)$/;

/** Judges the user's line and everything that it called: the kind may be a few frames away from the innermost. */
function kindOf(calls: readonly Frame[], linesOf: LinesOf): StallKind {
  const inNode = (pattern: RegExp, name = /./): Frame | undefined =>
    calls.findLast((frame) => frame.category === 'node' && pattern.test(frame.file) && name.test(frame.function));
  const at = calls.findIndex(({ category }) => category === 'native');
  const native = calls[at]?.function ?? '';
  if (native === 'Atomics.wait') return 'sync-sleep';
  if (inNode(/^node:(internal\/)?child_process/, /Sync$/)) return 'sync-child-process';
  if (inNode(/^node:(internal\/(console\/|fs\/sync_write_stream)|tty)/)) return 'sync-stdio';
  if (inNode(/^node:(net|internal\/stream_base_commons)/, /rite/) && isStdio(calls, linesOf)) return 'sync-stdio';
  // Calls without such a name hand the work on and are quick: many of them block only by their number.
  if (inNode(/^node:(internal\/)?fs/, /Sync/)) return 'sync-fs';
  const crypto = inNode(/^node:(internal\/)?crypto/);
  if (crypto && !POOLED_CRYPTO.test(crypto.function) && !/webcrypto/.test(crypto.file)) return 'sync-crypto';
  if (inNode(/^node:zlib/, /Sync/)) return 'sync-zlib';
  if (inNode(/^node:sqlite/) || SQLITE_CLASSES.test(native)) return 'sync-database';
  if (calls.some(({ file }) => DATABASE_PACKAGES.test(file))) return 'sync-database';
  if (/^JSON\./.test(native)) return 'json';
  return isRegExp(native, calls[at + 1], linesOf) ? 'regexp' : 'js-cpu';
}

/** A client socket is written to in the same way: only the call shows which stream it is. */
function isStdio(calls: readonly Frame[], linesOf: LinesOf): boolean {
  const caller = calls.find(({ category }) => category === 'application' || category === 'dependency');
  return /std(out|err)/.test((caller && linesOf(caller.file)?.[caller.line - 1]) ?? '');
}

const PATTERN = String.raw`\s*(?:\/(?![*/])|(?:new\s+)?RegExp\b)`;

/** Strings are searched for, replaced and split by plain strings as well: these are no regular expressions. */
function isRegExp(native: string, caller: Frame | undefined, linesOf: LinesOf): boolean {
  // match, matchAll and search make a regular expression from any argument.
  if (/^RegExp|^String\.(match|matchAll|search)$/.test(native)) return true;
  const name = /^String\.(replace|replaceAll|split)$/.exec(native)?.[1];
  const lines = name && caller && linesOf(caller.file);
  if (!lines) return false;
  const argument = argumentOf(lines[caller.line - 1] ?? '', name, caller.column);
  if (new RegExp(`^${PATTERN}`).test(argument)) return true;
  const variable = /^\s*(?:\w+\.)*([A-Za-z_$][\w$]*)\s*[,)]/.exec(argument)?.[1]?.replaceAll('$', '\\$');
  const given = variable && new RegExp(`(?<![\\w$])${variable}\\s*[=:]${PATTERN}`);
  return given ? lines.some((line) => given.test(line)) : false;
}

/** What follows the opening bracket of the call; a source map may be some columns off. */
function argumentOf(line: string, name: string, column: number): string {
  const from = line.indexOf(`${name}(`, Math.max(0, column - 1 - name.length));
  const at = from >= 0 ? from : line.indexOf(`${name}(`);
  return at < 0 ? '' : line.slice(at + name.length + 1);
}
