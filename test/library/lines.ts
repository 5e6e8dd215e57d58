import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Leftover } from '../../src/library/types.ts';

/** "kind:line" of each leftover, by the line of the file that has `// name` at its end. */
export function namesOf(url: string, left: readonly Leftover[]): string[] {
  const lines = readFileSync(fileURLToPath(url), 'utf8').split('\n');
  return left
    .map(({ kind, location, count }) => {
      const name = /\/\/ ([\w-]+)$/.exec(lines[(location?.line ?? 0) - 1] ?? '')?.[1];
      const here = location?.file === fileURLToPath(url);
      return `${kind} ${here ? (name ?? `line ${location.line}`) : 'elsewhere'}${count > 1 ? ` ${count}` : ''}`;
    })
    .sort();
}
