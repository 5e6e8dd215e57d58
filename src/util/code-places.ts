/** Readable places and names for code that is in no file of its own, and for minified names. */

// This runs in observed programs too, which may replace built-ins.
const { max } = Math;
const toNumber = Number;

/** V8 reports where `eval` or `new Function` was called: "eval at render (/srv/app.js:36:10)", possibly nested. */
const EVAL = /^eval at /;
const CALLED_AT = /\(((?:file:|node:|[/\\]|[A-Za-z]:[\\/])[^()]*?):(\d{1,9}):(\d{1,9})\)/g;
/** The same for any name of a script: `node:vm` was given it, or gave one of its own. */
const CALLED_IN_SCRIPT = /\(([^()\s]+?):(\d{1,9}):(\d{1,9})\)/g;
/** What `node:vm` calls scripts and modules that were given no file name. */
const NAMES_OF_VM = /^(?:evalmachine\.<anonymous>|vm:module\(\d+\))$/;
/** The place of code made by `eval` or `new Function` in a profile, which does not say where it was made. */
export const EVAL_FILE = '(eval)';
/** The beginning of a URL that contains the code itself. */
const HOLDS_CODE = /^(data:[^,]{0,80}),/;
/** Real names are rarely shorter; a minifier's rarely longer. */
const SHORT_NAME = 3;

/** Where code made by `eval` or `new Function` was made; null for other code. */
export function evalPlace(url: string): { url: string; line: number; column: number } | null {
  if (!EVAL.test(url)) return null;
  // The last one is the call in a file, which contains all others.
  const [, file, line, column] =
    [...url.matchAll(CALLED_AT)].at(-1) ?? [...url.matchAll(CALLED_IN_SCRIPT)].at(-1) ?? [];
  return file === undefined ? null : { url: file, line: toNumber(line), column: toNumber(column) };
}

/** Code that was compiled while the program ran, and is in no file: nobody can open its place, only that of its caller. */
export function isInNoFile(url: string): boolean {
  return NAMES_OF_VM.test(url) || url === EVAL_FILE || EVAL.test(url);
}

/** A URL that is the code itself, cut to what can be read: "data:text/javascript,…". */
export function withoutCode(url: string): string {
  const [, head] = HOLDS_CODE.exec(url) ?? [];
  return head === undefined ? url : `${head},…`;
}

/** Whether a name may be a minifier's. */
export function isShortName(name: string): boolean {
  return name.length <= SHORT_NAME;
}

/**
 * The name of the function that begins at this column (0-based) of a line of the original source: V8 reports the beginning of
 * its parameters, maps the beginning of the function. Null if it has none in the text.
 */
export function nameAt(text: string, column: number): string | null {
  const from = text.slice(column);
  const declared = /^(?:export\s+)?(?:default\s+)?(?:async\s+)?function\s*\*?\s*([\w$]+)/.exec(from);
  if (declared) return declared[1]!;
  const method = /^(?:static\s+)?(?:async\s+)?\*?(?!(?:function|async)\b)(#?[\w$]+)\s*\(/.exec(from);
  if (method) return method[1]!;
  const assigned = /(#?[\w$]+)\s*(?:=|:(?!:))\s*(?:async\s*)?\(?\s*$/.exec(text.slice(0, column));
  return assigned ? assigned[1]! : null;
}

/**
 * Where the parameters of the function with this name begin that is defined last before a place in the text; null if there is none.
 * No regular expression runs over the whole text: it may be a bundle.
 */
export function definedBefore(text: string, name: string, before: number): number | null {
  let found = -1;
  for (const head of [`function ${name}(`, `function*${name}(`]) {
    const at = text.lastIndexOf(head, before);
    if (at >= 0) found = max(found, at + head.length - 1);
  }
  const assigned = `${name}=`;
  let at = text.lastIndexOf(assigned, before);
  for (let tries = 0; tries < MAX_TRIES && at > found; tries++) {
    const from = at + assigned.length;
    const value = /^(?:async\s*)?(?:function\*?\s*)?(?=\(|[\w$]+=>)/.exec(text.slice(from, from + 100));
    if (value && !WORD.test(text[at - 1] ?? '')) return from + value[0].length;
    at = at === 0 ? -1 : text.lastIndexOf(assigned, at - 1);
  }
  return found < 0 ? null : found;
}

const WORD = /[\w$]/;
/** A minifier gives one name to many variables: after this many assignments it is another variable. */
const MAX_TRIES = 1000;

/** Whether a line of source may define a function of this name. */
export function defines(line: string, name: string): boolean {
  for (let at = line.indexOf(name); at >= 0; at = line.indexOf(name, at + 1)) {
    if (!WORD.test(line[at - 1] ?? '') && /^\s*(?:[(<]|[=:](?![=:]))/.test(line.slice(at + name.length))) return true;
  }
  return false;
}
