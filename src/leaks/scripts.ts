/** Where variables are declared: the snapshot has the script and a function nearby, the file on disk has the line. */
import { fileURLToPath } from 'node:url';
import { tokens } from '../async-dump/source-text.ts';
import type { HeapGraph } from '../heap/heap-graph.ts';
import { createFrameMapper, functionFrame } from '../recording/source-maps.ts';
import { readRegular } from '../util/regular-file.ts';
import type { Place } from './types.ts';

const NONE = -1;
const MAX_FILE_BYTES = 8 << 20;
const MAX_FILES = 300;
const DECLARES = new Set(['const', 'let', 'var', 'class', 'function', '*', 'import']);

interface Script {
  text: string;
  /** Words and brackets with their depth. */
  words: { at: number; word: string; depth: number; before: string }[];
}

/** Of one snapshot. */
export class Scripts {
  #graph: HeapGraph;
  #files = new Map<string, Script | null>();
  #toFrame = createFrameMapper();
  #closures = new Map<number, number>();
  #urls: string[] | undefined;

  constructor(graph: HeapGraph) {
    this.#graph = graph;
  }

  /** Finds a function for each of these scopes. One pass over the heap, so: for many at once. */
  prepare(contexts: ReadonlySet<number>): void {
    const { nodeCount, columns } = this.#graph.snapshot;
    const closure = columns.nodeTypes.indexOf('closure');
    const name = this.#graph.id('system / Context');
    const missing = new Set(contexts);
    this.#eachOfType(closure, (node) => {
      const context = this.#graph.follow(node, 'context');
      if (missing.delete(context) && !this.#closures.has(context)) this.#closures.set(context, node);
    });
    if (missing.size === 0) return;
    // A scope with functions only in blocks inside of it.
    const outerOf = new Map<number, number>();
    for (let node = 0; node < nodeCount; node++) {
      if (columns.nodeName[node] !== name) continue;
      const outer = this.#graph.follow(node, 'previous');
      if (missing.has(outer)) outerOf.set(node, outer);
    }
    const found = new Map<number, number>();
    this.#eachOfType(closure, (node) => {
      const context = this.#graph.follow(node, 'context');
      if (outerOf.has(context)) found.set(context, node);
    });
    for (const [inner, outer] of outerOf) {
      const node = found.get(inner);
      if (node !== undefined && !this.#closures.has(outer)) this.#closures.set(outer, node);
    }
  }

  #eachOfType(type: number, visit: (node: number) => void): void {
    const { nodeType } = this.#graph.snapshot.columns;
    for (let node = 0; node < nodeType.length; node++) if (nodeType[node] === type) visit(node);
  }

  /** Url of the script that the scope belongs to; '' if no function shows it. */
  urlOf(context: number): string {
    const closure = this.#closures.get(context);
    return closure === undefined ? '' : this.#graph.place(closure).url;
  }

  /** Where a function begins, in the original source; null if V8 has no script for it. */
  placeOf(closure: number): Place | null {
    const { url, line, column } = this.#graph.place(closure);
    if (closure === NONE || url === '' || line === 0) return null;
    return this.#mapped(url, line, column, this.#graph.snapshot.nodeName(closure));
  }

  /** Where the variable of a scope is declared, or where the function is through which it was found. */
  variable(context: number, name: string): Place | null {
    const closure = this.#closures.get(context);
    if (closure === undefined) return null;
    const { url, line, column } = this.#graph.place(closure);
    if (url === '') return null;
    const script = this.#read(url);
    const near = script ? offsetOf(script.text, line, column) : 0;
    const atTop = this.#graph.isModuleContext(context);
    const at = script ? declaration(script, name, atTop, near) : null;
    if (!script || at === null) return this.#mapped(url, line, column, '');
    return this.#at(url, script.text, at);
  }

  /** `static NAME` of the class, or `Class.NAME =`, or where the class begins. */
  staticMember(closure: number, name: string): Place | null {
    const { url, line, column } = this.#graph.place(closure);
    const script = url === '' ? null : this.#read(url);
    if (!script) return this.placeOf(closure);
    const from = offsetOf(script.text, line, column);
    const word = literal(name);
    const className = literal(this.#graph.snapshot.nodeName(closure));
    const inside = search(script.text, new RegExp(`\\bstatic\\s+(?:async\\s+)?#?(?=${word}(?![\\w$]))`, 'g'), from);
    const at = inside ?? search(script.text, new RegExp(`\\b(?:${className}|this)\\.${word}\\s*=(?!=)`, 'g'), 0);
    return at === null ? this.placeOf(closure) : this.#at(url, script.text, at);
  }

  /** The first place in a script of the application that makes a global of this name. */
  globalVariable(name: string): Place | null {
    const word = literal(name);
    const wanted = new RegExp(
      `\\b(?:globalThis|global)(?:\\.${word}|\\[['"\`]${word}['"\`]\\])\\s*(?:\\?\\?|\\|\\|)?=(?!=)`,
      'g',
    );
    return this.#firstIn(this.#applicationUrls(), wanted);
  }

  /** `exports.NAME =` of a CommonJS file; its first line if that is not found. */
  exported(url: string, name: string): Place | null {
    const wanted = new RegExp(`\\bexports\\.${literal(name)}\\s*=(?!=)`, 'g');
    return this.#firstIn([url], wanted) ?? this.#mapped(url, 1, 1, '');
  }

  /** The first `require` or `import` of a file that is no plain name. */
  dynamicLoad(url: string): Place | null {
    return this.#firstIn([url], /\b(?:require|import)\(\s*(?!['"`])[^)\s]/g);
  }

  #firstIn(urls: readonly string[], wanted: RegExp): Place | null {
    for (const url of urls) {
      const script = this.#read(url);
      const at = script ? search(script.text, wanted, 0) : null;
      if (script && at !== null) return this.#at(url, script.text, at);
    }
    return null;
  }

  #applicationUrls(): string[] {
    if (this.#urls) return this.#urls;
    const { snapshot } = this.#graph;
    const scripts = new Set<number>();
    const names = ['script', 'script_or_debug_info'] as const;
    const edges = names.flatMap((name) => snapshot.edgesNamed(this.#graph.id(name))).sort((a, b) => a - b);
    for (const edge of edges) {
      if (!names.some((name) => this.#graph.hasName(edge, name))) continue;
      const named = this.#graph.follow(snapshot.edgeTarget(edge), 'name');
      if (named !== NONE) scripts.add(named);
    }
    const urls = new Set([...scripts].map((name) => snapshot.nodeName(name)));
    const own = [...urls].filter((url) => isFile(url));
    own.sort((a, b) => Number(a.includes('node_modules')) - Number(b.includes('node_modules')));
    this.#urls = own.slice(0, MAX_FILES);
    return this.#urls;
  }

  #at(url: string, text: string, offset: number): Place {
    const before = text.slice(0, offset);
    const line = before.split('\n').length;
    return this.#mapped(url, line, offset - before.lastIndexOf('\n'), '');
  }

  #mapped(url: string, line: number, column: number, name: string): Place {
    const frame = this.#toFrame(functionFrame(name, url, line, column));
    return { file: frame.file, line: frame.line, column: frame.column, function: name };
  }

  #read(url: string): Script | null {
    let script = this.#files.get(url);
    if (script === undefined) {
      script = readScript(url);
      this.#files.set(url, script);
    }
    return script;
  }
}

const isFile = (url: string) => url.startsWith('file:') || url.startsWith('/') || /^[a-zA-Z]:\\/.test(url);

function readScript(url: string): Script | null {
  try {
    if (!isFile(url)) return null;
    const path = url.startsWith('file:') ? fileURLToPath(url) : url;
    const text = readRegular(path, MAX_FILE_BYTES)?.toString('utf8');
    return text === undefined ? null : { text, words: wordsOf(text) };
  } catch {
    return null; // on another machine, or moved since
  }
}

function wordsOf(text: string): Script['words'] {
  const words: Script['words'] = [];
  let depth = 0;
  let before = '';
  for (const { at, word } of tokens(text)) {
    if (word === '}' || word === ')' || word === ']') depth--;
    words.push({ at, word, depth, before });
    if (word === '{' || word === '(' || word === '[') depth++;
    before = word;
  }
  return words;
}

/** The offset of a variable's declaration: at the top of the file, or the last one before a function that closes over it. */
function declaration({ words }: Script, name: string, atTop: boolean, near: number): number | null {
  const all = words.filter(({ word }) => word === name);
  const declared = all.filter(({ before }) => DECLARES.has(before));
  // `const { a, b } = …`, `let a, b`, parameters.
  const others = all.filter(({ before }) => before === ',' || before === '{' || before === '(' || before === '[');
  if (atTop) {
    const found = declared.find(({ depth }) => depth === 0) ?? others.find(({ depth }) => depth <= 1);
    return found?.at ?? declared[0]?.at ?? null;
  }
  const last = (list: typeof all): number | undefined => list.filter(({ at }) => at <= near).at(-1)?.at;
  return last(declared) ?? last(others) ?? declared[0]?.at ?? null;
}

function offsetOf(text: string, line: number, column: number): number {
  let at = 0;
  for (let i = 1; i < line; i++) {
    const end = text.indexOf('\n', at);
    if (end < 0) return text.length;
    at = end + 1;
  }
  return at + column - 1;
}

function search(text: string, wanted: RegExp, from: number): number | null {
  wanted.lastIndex = from;
  return wanted.exec(text)?.index ?? null;
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
