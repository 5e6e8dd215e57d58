/** One place per threshold: a constant with a comment that says where it comes from. Texts take the number from it. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('../../src/detectors/', import.meta.url));
const files = readdirSync(FOLDER, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const sourceOf = (name: string) => readFileSync(`${FOLDER}${name}`, 'utf8');

/** Numbers that are names: V8, cgroup v1, p99. */
const NAMES = /\b(V8|Node \d+|cgroup v\d|v\d|p99)\b/g;

/** What a rule says of its limits, without the parts that are computed. */
function typedTexts(source: string): string[] {
  const fields = source.matchAll(/^ {2}(thresholds|limits|description|remedy):([\s\S]*?),\n(?= {2}\w|\};)/gm);
  const constants = source.matchAll(/^export const [A-Z_]+(?:THRESHOLD|RISE) =([\s\S]*?);\n/gm);
  const texts = [...[...fields].map((match) => match[2]!), ...[...constants].map((match) => match[1]!)];
  return texts.flatMap((text) =>
    text
      .replace(/\$\{[^}]*\}/g, '')
      .replace(NAMES, '')
      .split('\n'),
  );
}

test.each(files.filter((name) => name.startsWith('rules/') || /backlog|kept|heap/.test(name)))(
  '%s: no threshold is typed into a text',
  (name) => {
    const typed = typedTexts(sourceOf(name)).filter((line) =>
      /\d|\b(two|three|four|five|ten|twenty|thousand)\b/.test(line),
    );
    expect(typed, 'cure: put the constant into the text').toEqual([]);
  },
);

test('each threshold has a line that says what it rests on', () => {
  const bare = files.flatMap((name) => {
    const lines = sourceOf(name).split('\n');
    const isNumber = (line: string) => /^(export )?const [A-Z_]+(: [^=]*)? = [\d.]/.test(line);
    return lines.flatMap((line, i) =>
      isNumber(line) && !/\*\/$/.test(lines[i - 1] ?? '') ? [`${name}: ${line}`] : [],
    );
  });
  expect(bare, 'cure: a comment in front of it').toEqual([]);
});

test('no threshold has a copy of the same name', () => {
  const places = new Map<string, string[]>();
  for (const name of files) {
    for (const [, constant, value] of sourceOf(name).matchAll(/^(?:export )?const ([A-Z_]+) = ([\d._e]+);$/gm)) {
      const key = `${constant} = ${value}`;
      places.set(key, [...(places.get(key) ?? []), name]);
    }
  }
  const doubles = [...places].filter(([, names]) => names.length > 1);
  expect(doubles, 'cure: one constant in src/detectors/limits.ts, or names that say how they differ').toEqual([]);
});
