import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { samplers } from '../agents/samplers/index.ts';
import { scenarios } from '../scenarios/index.ts';
import { commandPages, withOptions } from '../scripts/docs/command-pages.ts';
import { rulePages } from '../scripts/docs/rule-pages.ts';
import { commands } from '../src/cli/commands/index.ts';
import { rulePage } from '../src/detectors/finding.ts';
import { blockedEventLoop } from '../src/detectors/rules/blocked-event-loop.ts';
import { detectors } from '../src/detectors/rules/index.ts';
import { limitText } from '../src/detectors/types.ts';
import { labs } from '../src/lab/index.ts';
import { ROW_TYPES, STALL_KINDS } from '../src/recording/types.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NOT_UNITS = ['index', 'support', 'types'];

/** Starts in lower case, or with a name such as JSON or JavaScript; ends without a period. */
const FRAGMENT = /^(?![A-Z][a-z]*\b).*[^.]$/;

interface Unit {
  id: string;
}

const idsOf = (units: readonly Unit[]) => units.map(({ id }) => id);
const sorted = (texts: readonly string[]) => [...texts].sort();
const camelCase = (id: string) => id.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** Names of the files in a folder that hold a unit: those that export an object with an `id`. */
async function unitFiles(folder: string): Promise<string[]> {
  const names = readdirSync(join(ROOT, folder))
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .filter((name) => !NOT_UNITS.includes(name));
  const units = await Promise.all(names.map(async (name) => ((await unitIn(folder, name)) ? [name] : [])));
  return units.flat();
}

/** The unit that a file exports, whatever the export's name; null for a helper. */
async function unitIn(folder: string, name: string): Promise<{ exported: string; id: string } | null> {
  const module: Record<string, unknown> = await import(pathToFileURL(join(ROOT, folder, `${name}.ts`)).href);
  for (const [exported, value] of Object.entries(module)) {
    if (typeof value === 'object' && value && 'id' in value && typeof value.id === 'string') {
      return { exported, id: value.id };
    }
  }
  return null;
}

describe.each([
  { folder: 'agents/samplers', units: samplers as readonly Unit[] },
  { folder: 'scenarios', units: scenarios as readonly Unit[] },
  { folder: 'src/cli/commands', units: commands as readonly Unit[] },
  { folder: 'src/detectors/rules', units: detectors as readonly Unit[] },
  { folder: 'src/lab', units: labs as readonly Unit[] },
])('$folder', ({ folder, units }) => {
  test('index.ts lists every file, in alphabetical order', async () => {
    const cure = `one line per unit in ${folder}/index.ts, sorted by id`;
    expect(idsOf(units), cure).toEqual(sorted(await unitFiles(folder)));
  });

  test.each(idsOf(units))('%s: file name, id and export name are one', async (id) => {
    const cure = `${folder}/${id}.ts exports { id: '${id}' } as ${camelCase(id)}`;
    expect(await unitIn(folder, id), cure).toEqual({ exported: camelCase(id), id });
  });
});

/** Names of files in backticks. */
const fileNames = (text: string) => [...text.matchAll(/`([\w./-]+\.ts)`/g)].map((match) => match[1]!);

test('each file that the map names exists', () => {
  const files = ['src', 'agents', 'scripts', 'test']
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
    )
    .map((name) => name.replaceAll('\\', '/'));
  const missing = fileNames(readFileSync(join(ROOT, 'src/README.md'), 'utf8')).filter(
    (name) => !files.some((file) => `/${file}`.endsWith(`/${name}`)),
  );
  expect(missing, 'cure: src/README.md').toEqual([]);
});

describe('detectors', () => {
  test('docs/rules has what the rules say', () => {
    const folder = join(ROOT, 'docs/rules');
    const written = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);
    expect(new Map(written), 'cure: npm run docs').toEqual(rulePages());
  });

  test('a finding links to the page of its rule, in the repository that package.json names', () => {
    const { homepage } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { homepage: string };
    const base = homepage.replace(/#.*$/, '');
    expect(rulePage('gc-pause')).toBe(`${base}/blob/main/docs/rules/gc-pause.md`);
  });

  test.each(detectors)('$id: has a test', ({ id }) => {
    const file = `test/detectors/${id}.test.ts`;
    expect(existsSync(join(ROOT, file)), `cure: ${file}`).toBe(true);
  });

  test.each(detectors)(
    '$id: the words follow the grammar',
    ({ title, description, remedy, thresholds, limits, kinds }) => {
      for (const text of [title, ...kinds.map((kind) => kind.title)]) {
        expect(text, 'a title is a fragment: no capital first, no period last').toMatch(FRAGMENT);
      }
      for (const text of [remedy, ...kinds.map((kind) => kind.remedy)]) {
        expect(text, 'a remedy is an imperative sentence: "Move …."').toMatch(/^[A-Z][a-z]+ [\s\S]*\.$/);
      }
      for (const text of [description, ...limits.map(limitText)]) {
        expect(text, 'descriptions and limits are made of sentences').toMatch(/^[A-Z][\s\S]*\.$/);
      }
      expect(limits, 'what it cannot see').not.toEqual([]);
      for (const threshold of thresholds) {
        expect(threshold, 'a threshold is "NAME: value, where it comes from"').toMatch(/^\w+: \S/);
      }
    },
  );

  test('blocked-event-loop has words for every kind of stall', () => {
    const kinds = blockedEventLoop.kinds.map(({ kind }) => kind);
    expect(sorted(kinds), 'one entry in `kinds` per member of STALL_KINDS').toEqual(sorted(STALL_KINDS));
  });
});

/** The words of an example of `--help`: without the remark behind it, and what a pipe does with it. */
const wordsOf = (example: string): string[] =>
  example
    .split(/ {3,}| [|>] | -- /)[0]!
    .split(' ')
    .slice(1);

const idsAfter = (words: readonly string[], names: readonly string[]): string[] =>
  words.filter((word, i) => names.includes(words[i - 1] ?? '') && !word.startsWith('-'));

/** What the examples of the rules call. */
const calls = detectors.flatMap(({ kinds }) =>
  kinds.flatMap(({ example }) => [...example.matchAll(/^npx (evdiag .*)$/gm)].map(([, call]) => call!)),
);

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  'src/README.md',
  'bench/README.md',
  'llms.txt',
  'skills/evdiag/SKILL.md',
].concat(
  ['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
);

/** What GitHub makes of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');

const anchorsOf = (text: string): string[] =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading.replaceAll('`', '')));

describe('docs', () => {
  test('docs/commands has a page for each command, with its options as they are', () => {
    const written = readdirSync(join(ROOT, 'docs/commands')).filter((name) => name !== 'README.md');
    expect(sorted(written)).toEqual(sorted(commandPages));
    for (const name of commandPages) {
      const page = read(`docs/commands/${name}`);
      expect(page, `docs/commands/${name}; cure: npm run docs`).toBe(withOptions(page, name));
    }
  });

  test.each(pages)('%s: links lead to files and headings that exist', (page) => {
    const text = read(page).replaceAll(/```[\s\S]*?```|`[^`\n]*`/g, '');
    for (const [, link = ''] of text.matchAll(/\]\(((?!https?:|mailto:)[^)]+)\)/g)) {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? page : join(page, '..', path);
      expect(existsSync(join(ROOT, file)), `${page} links to ${link}`).toBe(true);
      if (anchor) expect(anchorsOf(read(file)), `${page} links to ${link}`).toContain(anchor);
    }
  });

  test('the README is short: the rest is in docs', () => {
    expect(Buffer.byteLength(read('README.md'))).toBeLessThan(10_500);
  });

  test('the recording format has each type of row', () => {
    const types = [...read('docs/recording-format.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, type]) => type);
    expect(types).toEqual(sorted(ROW_TYPES));
  });
});

describe('examples of --help and of rules', () => {
  test.each(calls)('%s', (call) => {
    const [id = '', ...words] = wordsOf(call);
    const command = new Command(id);
    commands.find((one) => one.id === id)!.configure(command);
    expect(command.parseOptions(words).unknown, 'options that the command does not have').toEqual([]);
  });

  test.each(commands.flatMap(({ id, examples, configure }) => examples.map((example) => ({ id, example, configure }))))(
    '$example',
    ({ id, example, configure }) => {
      const words = wordsOf(example);
      const command = new Command(id);
      configure(command);
      expect(words[0], 'an example is of its command').toBe(id);
      expect(command.parseOptions(words.slice(1)).unknown, 'options that the command does not have').toEqual([]);
      expect(idsOf(scenarios), 'a scenario').toEqual(
        expect.arrayContaining(idsAfter(words, ['scenario', '--scenario'])),
      );
      expect(idsOf(labs), 'a lab').toEqual(expect.arrayContaining(idsAfter(words, ['lab'])));
      const rules = detectors.flatMap((rule) => [rule.id, ...rule.kinds.map(({ kind }) => kind)]);
      expect(rules, 'a rule or kind').toEqual(expect.arrayContaining(idsAfter(words, ['explain', '--finding'])));
    },
  );
});

/** What assistants are told to run: the words of each command line in backticks. */
const told = ['llms.txt', 'skills/evdiag/SKILL.md', 'docs/commands/mcp.md'].flatMap((page) =>
  [...read(page).matchAll(/`(?:npx )?(evdiag [a-z][^`]*)`/g)].map(([, call]) => call!),
);

test.each([...new Set(told)])('an assistant is told a command that exists: %s', (call) => {
  const [id = '', ...words] = wordsOf(call);
  const command = new Command(id);
  const known = commands.find((one) => one.id === id);
  expect(known, 'a command').toBeDefined();
  known!.configure(command);
  expect(command.parseOptions(words).unknown, 'options that the command does not have').toEqual([]);
});

describe('scenarios', () => {
  test.each(scenarios)('$id expects rules and kinds that exist', ({ expect: expectations }) => {
    for (const { rule, kind } of expectations) {
      const detector = detectors.find(({ id }) => id === rule);
      expect(detector, `no detector '${rule}' in src/detectors/rules/index.ts`).toBeDefined();
      if (!detector || detector.kinds.length === 0) continue;
      expect(
        detector.kinds.map((words) => words.kind),
        `kind of '${rule}'`,
      ).toContain(kind);
    }
  });
});
