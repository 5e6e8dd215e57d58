import Module, { findSourceMap } from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importedText } from './imported-map.ts';

const { assign, defineProperty, hasOwn } = Object;
const { stringify } = JSON;
const bytesOf = Buffer.from;

const COMMENT = '//# sourceMappingURL=';
/** Extensions whose files run as they are on disk, unless a loader changes them. */
const JAVASCRIPT = new Set(['', '.cjs', '.js', '.mjs', '.node', '.wasm', '.json']);
/** Longer than any source file; the map of a bundle is on disk. */
export const MAX_MAP_LENGTH = 8e6;

/** What Node's types leave out. */
interface Internals {
  _cache: Record<string, unknown>;
  _extensions: Record<string, (module: object, file: string) => void>;
}

/**
 * Of a file that was changed while it was loaded, in this thread, a text that ends in its `sourceMappingURL`: the map is in no file.
 * Node keeps it if source maps are on (tsx, esbuild-register, Node's own transform of types); otherwise the hook of `require` for
 * such files is called again (ts-node, @swc-node/register), or that of `import`. Null if none has one.
 *
 * Runs code of the program, and regular expressions: call it when none of the program's code is on the stack.
 */
export function loadedMap(url: string): string | null {
  return keptMap(url) ?? compiledMap(url) ?? importedMap(url);
}

function keptMap(url: string): string | null {
  try {
    const payload = findSourceMap(url)?.payload;
    if (!payload) return null;
    const json = stringify(payload);
    return json.length > MAX_MAP_LENGTH
      ? null
      : `${COMMENT}data:application/json;base64,${bytesOf(json).toString('base64')}`;
  } catch {
    return null;
  }
}

function compiledMap(url: string): string | null {
  try {
    const file = url.startsWith('file:') ? fileURLToPath(url) : url;
    const extension = extname(file);
    const { _cache, _extensions } = Module as unknown as Internals;
    // Only what has been loaded that way.
    if (JAVASCRIPT.has(extension) || !hasOwn(_cache, file) || !hasOwn(_extensions, extension)) return null;
    let code: string | null = null;
    const module = new Module(file);
    assign(module, { filename: file, paths: [] });
    defineProperty(module, '_compile', {
      value(text: string) {
        code = `${text}`;
      },
      writable: true,
      configurable: true,
    });
    _extensions[extension]!(module, file);
    return lastComment(code);
  } catch {
    return null;
  }
}

/** A loader of ES modules may keep its maps to itself: then it is asked for the file again. */
function importedMap(url: string): string | null {
  try {
    return JAVASCRIPT.has(extname(fileURLToPath(url))) ? null : lastComment(importedText(url));
  } catch {
    return null;
  }
}

function lastComment(code: string | null): string | null {
  const at = code?.lastIndexOf(`${COMMENT}data:`) ?? -1;
  return at < 0 || code!.length - at > MAX_MAP_LENGTH ? null : code!.slice(at);
}
