/** Text of the observed program as data: whoever reads the answer must not take it for instructions. */

/** Controls, and characters that hide or reorder text: also the tags and selectors in which text can be hidden. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;
/** Markup that separates roles, tools or blocks in what a language model reads: tags, fences, [INST] and the like. */
const MARKUP = /<(?=[/!?|A-Za-z_])|`{3,}|~{3,}|\[(?=\/?[A-Z]{3,}\])/g;

/** Messages have names in them, and words around these. */
const MAX_TEXT = 700;
const MAX_NAME = 120;
const MAX_PATH = 240;
/** Nothing that evdiag answers is nested deeper. */
const MAX_DEPTH = 12;

/** Characters that act are written as they are escaped in JavaScript; long text is cut in its middle. */
export function asData(text: string, most = MAX_TEXT): string {
  return shorten(text, most).replace(HIDDEN, escaped).replace(MARKUP, escaped);
}

/** A name of the program: of a function, a thread, a route. */
export const nameAsData = (name: string): string => asData(name, MAX_NAME);

/** A path, with a line or without: its end says most. */
export const pathAsData = (path: string): string => asData(path, MAX_PATH);

/** All texts of an answer as data, whoever wrote them. */
export function quoted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return asData(value);
  if (typeof value === 'number') return Number.isFinite(value) ? rounded(value) : null;
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) return '…';
  if (Array.isArray(value)) return value.map((one) => quoted(one, depth + 1));
  const entries = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(entries.map(([key, one]) => [asData(key, MAX_NAME), quoted(one, depth + 1)]));
}

function shorten(text: string, most: number): string {
  if (text.length <= most) return text;
  const end = Math.floor(most / 2);
  return `${text.slice(0, most - end - 1)}…${text.slice(-end)}`;
}

function escaped(text: string): string {
  return [...text].map((char) => `\\u{${char.codePointAt(0)!.toString(16)}}`).join('');
}

/** Digits beyond these are no information. */
function rounded(value: number): number {
  return Number.isInteger(value) ? value : Number(value.toPrecision(4));
}
