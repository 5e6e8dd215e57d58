import { createFrameMapper } from '../../src/recording/source-maps.ts';
import { loadedMap } from './loaded-maps.ts';

interface RunnerModule {
  meta?: { code?: unknown };
}

interface ViteRunner {
  fileToModulesMap?: Map<string, Iterable<RunnerModule>>;
}

/** Maps positions to the original sources. Vite's module runner, which vitest uses, runs text that is in no file; so do others. */
export const toFrame = createFrameMapper((path) => {
  const worker = (globalThis as { __vitest_worker__?: { evaluatedModules?: ViteRunner } }).__vitest_worker__;
  for (const { meta } of worker?.evaluatedModules?.fileToModulesMap?.get(path) ?? []) {
    if (typeof meta?.code === 'string') return meta.code;
  }
  return loadedMap(path);
});
