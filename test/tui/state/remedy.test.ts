import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { scenarios } from '../../../scenarios/index.ts';
import { guiltyLinesOf, remedyOf } from '../../../src/tui/state/remedy.ts';
import { ROOT } from '../../support/run-agent.ts';

const sourceOf = (id: string) => readFileSync(join(ROOT, 'scenarios', `${id}.ts`), 'utf8');

describe('remedyOf', () => {
  test('shows what only one variant uses, and leaves out what both share', () => {
    const text = remedyOf(sourceOf('blocking-sleep'))
      .map(({ kind, text }) => `${kind} ${text}`)
      .join('\n');
    expect(text).toContain('gone   Atomics.wait(cell, 0, 0, SLEEP_MS); // guilty');
    expect(text).toContain('new   await delay(SLEEP_MS);');
    expect(text).toContain("same   return 'slept';");
    expect(text).not.toContain('measure(get: Get)');
  });

  test('has nothing to say of another file', () => {
    expect(remedyOf('const a = 1;\n')).toEqual([]);
  });

  const sick = scenarios.filter(({ expect: expected }) => expected.length > 0);

  test.each(sick)('$id: something goes, something comes, and it is short', ({ id }) => {
    const lines = remedyOf(sourceOf(id));
    const count = (wanted: string) => lines.filter(({ kind }) => kind === wanted).length;
    expect(count('gone')).toBeGreaterThan(0);
    expect(count('new')).toBeGreaterThan(0);
    expect(lines.length).toBeLessThan(sourceOf(id).split('\n').length);
    expect(guiltyLinesOf(sourceOf(id)).length).toBeGreaterThan(0);
  });
});
