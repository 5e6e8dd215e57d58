import { Session } from 'node:inspector';
import { fileURLToPath } from 'node:url';

interface ScriptParsed {
  params: { url: string; sourceMapURL?: string };
}

/** Inline source maps by path, '' for scripts without one: all that were loaded at the last check. */
let known = new Map<string, string>();

/**
 * The source map that V8 was given with a script, as a comment: jest, ts-node, tsx and Node's own transform run text
 * that is in no file. Null if the script has none.
 */
export function loadedMap(path: string): string | null {
  if (/[\\/]node_modules[\\/]/.test(path)) return null;
  if (!known.has(path)) {
    known = readScripts();
    if (!known.has(path)) known.set(path, '');
  }
  const map = known.get(path);
  return map ? `//# sourceMappingURL=${map}` : null;
}

/** V8 reports all scripts when the domain is enabled: some 0.1 ms each. The domain is on only for this moment. */
function readScripts(): Map<string, string> {
  const maps = new Map<string, string>();
  try {
    const session = new Session();
    session.connect();
    session.on('Debugger.scriptParsed', ({ params: { url, sourceMapURL } }: ScriptParsed) => {
      maps.set(
        url.startsWith('file:') ? fileURLToPath(url) : url,
        sourceMapURL?.startsWith('data:') ? sourceMapURL : '',
      );
    });
    session.post('Debugger.enable');
    session.disconnect();
  } catch {
    // There is no inspector: lines are those of the text that ran.
  }
  return maps;
}
