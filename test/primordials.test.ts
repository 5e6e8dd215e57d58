/**
 * What runs in an observed thread uses built-ins as they were before the program could replace them:
 *
 * - `agents/`: a global (`Map`, `JSON`, `process`, `setTimeout` …) is named in `agents/primordials.ts` and nowhere else.
 * - `src/`, as far as it runs there: a global is named where the module is loaded, and in no function. What a dump needs is loaded with the
 *   first one: it fails where the program has replaced what it uses by then, and the dump says so.
 *
 * Methods (`list.push`), `for … of`, spread and patterns of lists look up what they call in prototypes. Those are not held here:
 * every function that the program or Node calls is an entry that catches what they throw (`agents/guard.ts`), and
 * `test/agents/guard.test.ts` replaces them in groups.
 */
import { readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { parseAst } from 'vitest/node';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = 'agents/agent/agent.ts';
const PRIMORDIALS = 'agents/primordials.ts';
/** Read once, before the program begins, and not again. */
const BEFORE_THE_PROGRAM = ['agents/settings.ts'];

const GLOBALS = new Set(Object.getOwnPropertyNames(globalThis));
for (const constant of ['undefined', 'NaN', 'Infinity']) GLOBALS.delete(constant);

/** A node of the syntax tree: https://github.com/estree/estree */
interface Node {
  type: string;
  start: number;
  [key: string]: unknown;
}

const isNode = (value: unknown): value is Node => typeof (value as Node | null)?.type === 'string';

/** Types that hold an expression; all others have no value when the program runs. */
const AROUND_EXPRESSIONS = /^TS(As|NonNull|Satisfies|Instantiation)Expression$/;
const TYPES = ['typeAnnotation', 'typeArguments', 'typeParameters', 'returnType'];
const isFunction = ({ type }: Node): boolean => /Function/.test(type);

/** Calls `visit` for each node that has a value. */
function walk(
  node: unknown,
  visit: (node: Node, parent: Node | null, key: string, inFunction: boolean) => void,
  parent: Node | null = null,
  key = '',
  inFunction = false,
): void {
  if (Array.isArray(node)) for (const one of node) walk(one, visit, parent, key, inFunction);
  if (!isNode(node) || (node.type.startsWith('TS') && !AROUND_EXPRESSIONS.test(node.type))) return;
  visit(node, parent, key, inFunction);
  for (const name in node) {
    if (!TYPES.includes(name)) walk(node[name], visit, node, name, inFunction || isFunction(node));
  }
}

/** The files of the agent's bundle: those that it imports values of, at once or when they are first used. */
function filesOfAgent(): Map<string, Node> {
  const files = new Map<string, Node>();
  const add = (file: string): void => {
    if (files.has(file)) return;
    const program = parseAst(readFileSync(join(ROOT, file), 'utf8'), { lang: 'ts' }) as unknown as Node;
    files.set(file, program);
    const addRelative = (from: unknown): void => {
      if (typeof from === 'string' && from.startsWith('.')) add(relative(ROOT, join(ROOT, dirname(file), from)));
    };
    walk(program, (node) => {
      const names = (node.specifiers ?? []) as Node[];
      const isType = (one: Node): boolean => one.importKind === 'type' || one.exportKind === 'type';
      const from = (node.source ?? null) as { value?: unknown } | null;
      if (from && !isType(node) && !(names.length > 0 && names.every(isType))) addRelative(from.value);
      // What is loaded when it is first used.
      if (node.type === 'CallExpression' && (node.callee as Node).name === 'require')
        addRelative((node.arguments as { value?: unknown }[])[0]?.value);
    });
  };
  add(ENTRY);
  return files;
}

/** Names that the file itself declares, anywhere. */
function declaredIn(program: Node): Set<string> {
  const names = new Set<string>();
  const declare = (pattern: unknown): void => {
    if (!isNode(pattern)) return;
    if (pattern.type === 'Identifier') names.add(pattern.name as string);
    for (const part of ['argument', 'left']) if (pattern.type !== 'Identifier') declare(pattern[part]);
    for (const property of (pattern.properties ?? []) as Node[]) declare(property.value ?? property);
    for (const element of (pattern.elements ?? []) as unknown[]) declare(element);
  };
  walk(program, (node) => {
    if (node.type === 'VariableDeclarator' || node.type === 'FunctionDeclaration') declare(node.id);
    if (isFunction(node)) for (const parameter of node.params as unknown[]) declare(parameter);
    if (/^Import\w*Specifier$/.test(node.type)) declare(node.local);
  });
  return names;
}

/** It is the name of a property, or of what is exported. */
function isLabel(parent: Node, key: string): boolean {
  if (parent.type === 'MemberExpression') return key === 'property' && !parent.computed;
  if (parent.type === 'Property') return key === 'key' && !parent.computed;
  return /^(Import|Export)/.test(parent.type);
}

function globalsIn(file: string, program: Node): string[] {
  const declared = declaredIn(program);
  const text = readFileSync(join(ROOT, file), 'utf8');
  const found: string[] = [];
  walk(program, (node, parent, key, inFunction) => {
    const name = node.name as string;
    if (node.type !== 'Identifier' || !GLOBALS.has(name) || declared.has(name) || !parent || isLabel(parent, key))
      return;
    if (file.startsWith('src/') && !inFunction) return;
    found.push(`${file}:${text.slice(0, node.start).split('\n').length} ${name}`);
  });
  return found;
}

const FILES = filesOfAgent();

test('the files that run in an observed thread are found', () => {
  expect([...FILES.keys()]).toEqual(
    expect.arrayContaining([ENTRY, PRIMORDIALS, 'agents/guard.ts', 'agents/samplers/gc.ts', 'src/async-dump/probe.ts']),
  );
});

test('globals are named in agents/primordials.ts alone: import them from there', () => {
  const free = [PRIMORDIALS, ...BEFORE_THE_PROGRAM];
  const found = [...FILES].flatMap(([file, program]) => (free.includes(file) ? [] : globalsIn(file, program)));
  expect(found).toEqual([]);
});

test('a global is seen wherever it is used', () => {
  const seen = (text: string): number =>
    globalsIn(PRIMORDIALS, parseAst(text, { lang: 'ts' }) as unknown as Node).length;
  for (const use of [
    'new Map<string, Set<number>>()',
    'JSON.stringify(x)',
    'x instanceof Promise',
    'f({ Map })',
    'setTimeout(f)',
  ])
    expect(seen(`function f(x: Map<string, 1>) { return ${use}; }`), use).toBe(1);
  for (const use of ['x.Map', '{ Map: x }', '(x as unknown as Set<1>)', 'x as Map<1, 2>'])
    expect(seen(`const y = (x) => (${use});`), use).toBe(0);
});

/** They run at the start of the agent, and where there is room on the stack (why-api.ts). */
const WITH_EXPRESSIONS = ['agents/settings.ts', 'agents/samplers/memory.ts', 'agents/agent/why/things.ts'];

test('hooks, wrappers and interrupts use no regular expressions: V8 ends the process where it compiles one and the stack is nearly full', () => {
  const found: string[] = [];
  for (const [file, program] of FILES) {
    if (!file.startsWith('agents/') || WITH_EXPRESSIONS.includes(file)) continue;
    walk(program, (node) => {
      if (node.type === 'Literal' && node.regex) found.push(`${file} ${(node.regex as { pattern: string }).pattern}`);
    });
  }
  expect(found).toEqual([]);
});
