/** docs/api.md: what the package exports, from the declarations and comments in `dist/types` (build first). */

import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface Exported {
  name: string;
  /** As the file declares it. */
  declared: string;
  file: string;
}

const TYPES = 'dist/types';
const EXPORTS = /export (?:type )?\{([^}]*)\} from '(\.[^']+)'/g;
const NAMED = /(?:export|import) (?:type )?\{([^}]*)\} from '(\.[^']+)'/g;

/** For each entry in full, except the experimental one. */
export function apiPage(root: string): string {
  const entry = (name: string): Exported[] => exportsOf(join(root, TYPES, name));
  return `${[
    '<!-- Written by "npm run docs" from the declarations in src. Change them there. -->',
    '# API reference',
    'The guide is [library.md](library.md).',
    '## evdiag',
    ...entry('index.d.cts').map(section),
    '## evdiag/vitest',
    'A setup file for vitest, and:',
    ...entry('library/vitest.d.cts').map(section),
    '## evdiag/node-test, evdiag/jest, evdiag/mocha',
    'Loaded before the tests ([library.md](library.md#evdiagnode-test-evdiagjest-evdiagmocha)). `evdiagNodeTest`, `evdiagJest` and `evdiagMocha` take the options of `evdiagVitest`; `BlockedError` and `LeakError` are what tests fail with.',
    '## evdiag/agent',
    'Loads the agent: `node -r evdiag/agent`, `node --import evdiag/agent`, or `import "evdiag/agent"` as the first import. It exports nothing.',
    '## evdiag/recording',
    'Experimental: it may change in any release.',
    entry('recording-api.d.cts').map(listed).join('\n'),
  ].join('\n\n')}\n`;
}

/** Functions first, then classes, then types; by name. */
function exportsOf(entry: string): Exported[] {
  const text = readFileSync(entry, 'utf8');
  const elsewhere = namesFrom(entry, EXPORTS);
  const here = [...text.matchAll(/^export (?:declare )?(?:function|interface|class|const|type) (\w+)/gm)].map(
    ([, name = '']) => ({ name, declared: name, file: entry }),
  );
  const rank = (one: Exported): number => ['function', 'const', 'class'].indexOf(wordOf(one)) >>> 0;
  return [...elsewhere, ...here].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
}

/** The names that a file re-exports. */
function namesFrom(entry: string, pattern: RegExp): Exported[] {
  return [...readFileSync(entry, 'utf8').matchAll(pattern)].flatMap(([, names = '', file = '']) =>
    names.split(',').flatMap((part) => {
      const [declared = '', name = declared] = part
        .trim()
        .replace(/^type /, '')
        .split(' as ');
      return declared === '' ? [] : [{ name, declared, file: join(dirname(entry), file.replace('.cjs', '.d.cts')) }];
    }),
  );
}

const DECLARATION = '(/\\*\\*(?:(?!\\*/)[\\s\\S])*\\*/\\s*)?export (?:declare )?(interface|type|class|function|const) ';

interface Declaration {
  comment: string;
  word: string;
  code: string;
}

function declarationsOf({ declared, file }: Exported): Declaration[] {
  const found = declarationsIn(file, declared);
  if (found.length === 0) throw new Error(`${file} declares no ${declared}`);
  return found;
}

/** In the file, or in one that it re-exports the name from. */
function declarationsIn(file: string, name: string): Declaration[] {
  const text = readFileSync(file, 'utf8');
  const found = [...text.matchAll(new RegExp(`${DECLARATION}${name}\\b`, 'g'))].map((match) => {
    const [all, comment = '', word = ''] = match;
    const start = match.index + comment.length;
    return { comment, word, code: text.slice(start, endOf(text, match.index + all.length, word)) };
  });
  if (found.length > 0) return found;
  const named = namesFrom(file, NAMED).find((one) => one.name === name);
  if (named) return declarationsIn(named.file, named.declared);
  for (const [, other = ''] of text.matchAll(/^export \* from '(\.[^']+)'/gm)) {
    const further = declarationsIn(join(dirname(file), other.replace('.cjs', '.d.cts')), name);
    if (further.length > 0) return further;
  }
  return [];
}

const wordOf = (one: Exported): string => declarationsOf(one)[0]!.word;

/** Behind the last brace, or the semicolon outside of all brackets. */
function endOf(text: string, from: number, word: string): number {
  const ends = word === 'interface' || word === 'class' ? '}' : ';';
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const sign = text[at]!;
    if (text.startsWith('/*', at)) at = text.indexOf('*/', at) + 1;
    else if ('{(['.includes(sign)) depth++;
    else if ('})]'.includes(sign)) depth--;
    if (sign === ends && depth === 0) return at + 1;
  }
  return text.length;
}

function section(one: Exported): string {
  const all = declarationsOf(one);
  const code = all.map((each) => each.code.replace(/^export (declare )?/, '').replaceAll('    ', '  ')).join('\n');
  const renamed = new RegExp(`\\b${one.declared}\\b`);
  return [
    `### ${one.name}`,
    ...all.map(({ comment }) => proseOf(comment)).filter((text) => text !== ''),
    `\`\`\`ts\n${code.replace(renamed, one.name)}\n\`\`\``,
  ].join('\n\n');
}

function listed(one: Exported): string {
  const [first = ''] = proseOf(declarationsOf(one)[0]!.comment).split('\n\n');
  return `- \`${one.name}\`${first === '' ? '' : `: ${first.replaceAll('\n', ' ')}`}`;
}

/** A comment without its stars; examples as code. */
function proseOf(comment: string): string {
  const text = comment
    .replace(/^\s*\/\*\*|\*\/\s*$/g, '')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, ''))
    .join('\n')
    .trim();
  const [prose = '', ...examples] = text.split(/\n?@example\n?/);
  const listed = prose
    .replace(/^@param (\w+) /gm, '- `$1`: ')
    .replace(/^@returns /gm, '- Returns: ')
    .replace(/^@throws \{(\w+)\} /gm, '- Throws `$1`: ')
    .replace(/^@throws /gm, '- Throws: ')
    .replace(/(^|[^\n])\n(- )/, '$1\n\n$2');
  return [listed.trim(), ...examples.map((code) => `\`\`\`js\n${code.trim()}\n\`\`\``)].filter(Boolean).join('\n\n');
}
