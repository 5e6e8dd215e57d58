import Module from 'node:module';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { types } from 'node:util';

/** Loaders may compile whole programs: one that took this long is not asked again. */
const BUDGET_MS = 200;
/** Older versions load asynchronously when there are hooks: ours would have to stay while other modules load. */
const FIRST_MAJOR = 24;

type Next = (url: string, context: object) => { source?: unknown };

/** What current types of Node may leave out. https://nodejs.org/api/module.html#moduleregisterhooksoptions */
interface Hooks {
  registerHooks?(hooks: {
    resolve(specifier: string, context: object, next: Next): object;
    load(url: string, context: object, next: Next): object;
  }): { deregister(): void };
}

/** As they are before the program can replace them: this runs in its thread. */
const MAJOR = Number(process.versions.node.split('.')[0]);
const now = performance.now.bind(performance);
const { isView } = ArrayBuffer;
const { isAnyArrayBuffer } = types;
/** A TextDecoder would be loaded for it, which the program can see. */
const bytesOf = Buffer.from;

let spentMs = 0;
let count = 0;

/**
 * The text that the hooks of `import` make of a file, once more; null if that is not possible: before Node 24, for other
 * URLs than those of files, and after loaders that took long. Blocks while they work, for some ms.
 *
 * An empty module is imported under a URL of ours. Our hooks answer for it, and ask those of the program for the file; they are
 * removed when this returns. The program's own module does not run again.
 */
export function importedText(url: string): string | null {
  const { registerHooks } = Module as unknown as Hooks;
  if (!registerHooks || MAJOR < FIRST_MAJOR || spentMs >= BUDGET_MS || !isFile(url)) return null;
  const own = `${url}${url.includes('?') ? '&' : '?'}evdiag=${++count}`;
  let text: string | null = null;
  let isAnswered = false;
  const hooks = registerHooks({
    resolve: (specifier, context, next) =>
      specifier === own ? { url: own, format: 'module', shortCircuit: true } : next(specifier, context),
    load(asked, context, next) {
      if (asked !== own) return next(asked, context);
      isAnswered = true;
      try {
        text = textOf(next(url, { ...context, format: undefined }).source);
      } catch {
        // Its loader cannot do it again: there is no text.
      }
      return { format: 'module', source: '', shortCircuit: true };
    },
  });
  const from = now();
  const end = (): void => hooks.deregister();
  const imported = import(own);
  spentMs += now() - from;
  // Without our answer, Node would load the file itself under that name.
  if (isAnswered) end();
  else spentMs = BUDGET_MS;
  imported.then(isAnswered ? undefined : end, isAnswered ? () => {} : end);
  return text;
}

function isFile(url: string): boolean {
  try {
    return url.startsWith('file:') && extname(fileURLToPath(url)) !== '';
  } catch {
    return false;
  }
}

function textOf(source: unknown): string | null {
  if (typeof source === 'string') return source;
  return isView(source) || isAnyArrayBuffer(source) ? bytesOf(source as Uint8Array).toString('utf8') : null;
}
