import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Route, runIfMain, slowestPing, withServer, withTempDir } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** About 400 ms of stacks; to make and throw the errors takes a twentieth of that. */
const ROWS = 8000;
const DEPTH = 8;
const REQUESTS = 4;
/** As many positions as the map of a bundle of some MB has. */
const MAP_LINES = 4000;
const MAP_COLUMNS = 60;

interface Validator {
  check(row: number, depth: number): void;
}

/** What a bundler leaves: a script, and the map that leads back to the sources. */
async function loadBundle(dir: string): Promise<Validator> {
  const script = join(dir, 'bundle.mjs');
  const check =
    'export function check(row, depth) { if (depth > 0) return check(row, depth - 1) ?? 0; throw new RangeError("row " + row); }';
  const line = ',CAAA'.repeat(MAP_COLUMNS);
  const mappings = `AAAA${line}${`;AACA${line}`.repeat(MAP_LINES)}`;
  const map = {
    version: 3,
    sources: ['validator.ts'],
    sourcesContent: ['//\n'.repeat(MAP_LINES + 1)],
    names: [],
    mappings,
  };
  await writeFile(script, `${'\n'.repeat(MAP_LINES / 2)}${check}\n//# sourceMappingURL=bundle.mjs.map\n`);
  await writeFile(`${script}.map`, JSON.stringify(map));
  return (await import(pathToFileURL(script).href)) as Validator;
}

/** As --enable-source-maps: each frame of each stack that is read is looked up. */
function describeByStack(error: Error): string {
  return error.stack ?? ''; // guilty
}

function describeByMessage({ name, message }: Error): string {
  return `${name}: ${message}`;
}

function serve(describe: (error: Error) => string): Promise<Headline> {
  return withTempDir(async (dir) => {
    process.setSourceMapsEnabled(true);
    const { check } = await loadBundle(dir);
    const validate: Route = () => {
      let characters = 0;
      for (let row = 0; row < ROWS; row++) {
        try {
          check(row, DEPTH);
        } catch (error) {
          characters += describe(error as Error).length;
        }
      }
      return String(characters);
    };
    return withServer({ '/validate': validate }, async (get) => ({
      what: `the slowest /ping beside ${REQUESTS} uploads of ${ROWS} bad rows`,
      value: await slowestPing(get, '/validate', REQUESTS),
      unit: 'ms',
    }));
  });
}

export const stackThroughMaps: Scenario = {
  id: 'stack-through-maps',
  title: 'Stacks of expected errors, through a source map',
  description:
    'A report of bad rows reads the stack of each error, and Node looks up each frame in the map of the bundle.',
  expect: [{ rule: 'blocked-event-loop', kind: 'js-cpu' }],
  broken: () => serve(describeByStack),
  fixed: () => serve(describeByMessage),
};

runIfMain(import.meta.url, stackThroughMaps);
