import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InputError } from '../recording/reader.ts';
import { builtFile, packageRoot } from '../util/package-root.ts';
import { closest } from '../util/text.ts';

/** What the CLI knows of a scenario. They are loaded by path: nothing in src depends on a patient. */
export interface ScenarioInfo {
  id: string;
  title: string;
  description: string;
  expect: readonly { rule: string; kind: string }[];
  /** What this Node.js would need to run it, or null. */
  lacks?(): string | null;
}

export async function loadScenarios(): Promise<readonly ScenarioInfo[]> {
  const url = pathToFileURL(builtFile('scenarios/index.js')).href;
  const loaded: { scenarios: readonly ScenarioInfo[] } = await import(url);
  return loaded.scenarios;
}

export async function findScenario(id: string): Promise<ScenarioInfo> {
  const all = await loadScenarios();
  const found = all.find((scenario) => scenario.id === id);
  if (found !== undefined) return found;
  const meant = closest(
    id,
    all.map((scenario) => scenario.id),
  );
  const hint = meant === null ? 'List them with "evdiag scenarios".' : `Did you mean "${meant}"?`;
  throw new InputError(`There is no scenario "${id}". ${hint}`);
}

export function expectedText({ expect }: ScenarioInfo): string {
  return expect.length === 0 ? 'healthy: no finding' : expect.map(({ rule, kind }) => `${rule} (${kind})`).join(', ');
}

/** The text of a scenario's source, which the package brings along. */
export function sourceOf({ id }: ScenarioInfo): string {
  return readFileSync(join(packageRoot(), 'scenarios', `${id}.ts`), 'utf8');
}
