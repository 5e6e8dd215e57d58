import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAst } from 'rolldown/parseAst';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['src', 'agents', 'bin', 'scripts'];

/** What one aims at is less: functions of 15 to 40 lines, files of 40 to 120. */
const MAX_FUNCTION_LINES = 60;
const MAX_FILE_LINES = 300;

/** `file function`, or `file`, and why it is longer. */
const LONGER: Record<string, string> = {};

interface Unit {
  name: string;
  lines: number;
}

interface Node {
  type: string;
  start: number;
  end: number;
  [field: string]: unknown;
}

const FUNCTIONS: ReadonlySet<string> = new Set([
  'FunctionDeclaration',
  'FunctionExpression',
  'ArrowFunctionExpression',
]);

/** All functions of a file: a class is none, its methods are. */
function functionsOf(file: string, text: string): Unit[] {
  const options = file.endsWith('.ts') ? ({ lang: 'ts', astType: 'ts' } as const) : ({ lang: 'js' } as const);
  const found: Unit[] = [];
  const visit = (value: unknown, name: string): void => {
    if (Array.isArray(value)) {
      for (const one of value) visit(one, name);
      return;
    }
    if (typeof value !== 'object' || value === null) return;
    const node = value as Node;
    const own = nameOf(node) ?? name;
    if (FUNCTIONS.has(node.type)) {
      found.push({ name: `${file} ${own}`, lines: text.slice(node.start, node.end).split('\n').length });
    }
    for (const field of Object.values(node)) visit(field, own);
  };
  visit(parseAst(text, options, file).body, '(none)');
  return found;
}

/** The name that a node gives to itself or to what it holds. */
function nameOf(node: Node): string | undefined {
  const { name } = (node.id ?? node.key ?? {}) as { name?: string };
  return name;
}

function everything(): Unit[] {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((file) => `${folder}/${file}`),
  ).filter((file) => /\.(?:[cm]?js|ts)$/.test(file));
  return files.flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8');
    return [{ name: file, lines: text.trimEnd().split('\n').length }, ...functionsOf(file, text)];
  });
}

const units = everything();
const limitOf = ({ name }: Unit): number => (name.includes(' ') ? MAX_FUNCTION_LINES : MAX_FILE_LINES);

test('functions and files are no longer than what one can read at once', () => {
  const tooLong = units
    .filter((unit) => unit.lines > limitOf(unit) && !(unit.name in LONGER))
    .sort((a, b) => b.lines - a.lines)
    .map(({ name, lines }) => `${name}: ${lines} lines`);
  expect(tooLong, 'divide it into units with a name of their own, or give the reason in LONGER').toEqual([]);
});

test('what is excepted is longer, still', () => {
  const isLonger = (name: string): boolean => units.some((unit) => unit.name === name && unit.lines > limitOf(unit));
  expect(Object.keys(LONGER).filter((name) => !isLonger(name))).toEqual([]);
});
