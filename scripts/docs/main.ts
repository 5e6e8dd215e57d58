/** Writes the pages of docs/ that are made from the source. */

import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiPage } from './api-page.ts';
import { commandPages, withOptions } from './command-pages.ts';
import { rulePages } from './rule-pages.ts';

const RULES = 'docs/rules';
const COMMANDS = 'docs/commands';

mkdirSync(RULES, { recursive: true });
const pages = rulePages();
for (const name of readdirSync(RULES)) if (!pages.has(name)) rmSync(join(RULES, name));
for (const [name, text] of pages) writeFileSync(join(RULES, name), text);

for (const name of commandPages) {
  const file = join(COMMANDS, name);
  writeFileSync(file, withOptions(readFileSync(file, 'utf8'), name));
}

writeFileSync('docs/api.md', apiPage(process.cwd()));
