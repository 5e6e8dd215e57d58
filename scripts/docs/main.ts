/** Writes the pages of docs/ that are made of the source. */

import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rulePages } from './rule-pages.ts';

const RULES = 'docs/rules';

mkdirSync(RULES, { recursive: true });
const pages = rulePages();
for (const name of readdirSync(RULES)) if (!pages.has(name)) rmSync(join(RULES, name));
for (const [name, text] of pages) writeFileSync(join(RULES, name), text);
