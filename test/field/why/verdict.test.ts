import { expect, test } from 'vitest';
import { sectionIn, withSection } from '../compare/sections.ts';
import { verdictOf } from './verdict.ts';

test.each([
  ['Timeout\n  /tmp/a/shape-1.cjs:4 - setInterval', 'the line'],
  ['evdiag:   interval of 1 s · shape-1.cjs:4:3 main', 'the line'],
  ['- Timers:\n  - (10000 ~ 10 s) (anonymous) @ /tmp/a/shape-1.cjs:2', 'another line'],
  ['TCPWRAP\n  node_modules/later-db/index.js:6', 'another line'],
  ['TCPSERVERWRAP\n  node:net:1245', 'nothing'],
  ['/tmp/a/shape-12.cjs:4', 'nothing'],
])('%s: %s', (said, verdict) => {
  expect(verdictOf(said, 'shape-1.cjs', 4)).toBe(verdict);
});

test('a part of a page is written, replaced and kept', () => {
  const page = withSection('# Page\n', 'why', 'old');
  expect(sectionIn(page, 'why')).toBe('\n<!-- why -->\nold\n<!-- end of why -->\n');
  expect(withSection(page, 'why', '$& new')).toBe('# Page\n\n<!-- why -->\n$& new\n<!-- end of why -->\n');
  expect(sectionIn('# Page\n', 'why')).toBe('');
});
