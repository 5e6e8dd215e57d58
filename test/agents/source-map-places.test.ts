import { join } from 'node:path';
import { type BuildOptions, build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { rowsOf } from '../../src/recording/types.ts';
import { AGENT_CJS, inLab, lineOf } from '../support/run-agent.ts';

const BLOCK_TS = `/** A comment that no bundle keeps. */
export interface Job {
  ms: number;
}

type Unused = { a: string };

export function block(job: Job): number {
  const { user }: NodeJS.CpuUsage = process.cpuUsage();
  let turns = 0;
  while (process.cpuUsage().user - user < job.ms * 1000) turns++; // guilty
  return turns;
}
`;
const MAIN_TS = `import { block, type Job } from './block.ts';

const job: Job = { ms: 400 };
setTimeout(() => {
  console.log(block(job) > 0);
}, 300);
`;

const BUNDLES: (BuildOptions & { name: string })[] = [
  { name: 'an external map', sourcemap: true },
  { name: 'an external map, minified', sourcemap: true, minify: true },
  { name: 'an inline map, minified', sourcemap: 'inline', minify: true },
  { name: 'an external map without sources, as an ES module', sourcemap: true, sourcesContent: false, format: 'esm' },
];

describe.each([{ flags: [] as string[] }, { flags: ['--enable-source-maps'] }])('node $flags', ({ flags }) => {
  it.for(BUNDLES)('names the original line: esbuild with $name', ({ name: _, ...options }) =>
    inLab(async (lab) => {
      lab.file('src/block.ts', BLOCK_TS);
      const entry = lab.file('src/main.ts', MAIN_TS);
      const outfile = join(lab.folder, options.format === 'esm' ? 'dist/app.mjs' : 'dist/app.cjs');
      await build({ bundle: true, platform: 'node', ...options, entryPoints: [entry], outfile });
      await lab.expectSame(outfile, { plain: flags, node: [...flags, '-r', AGENT_CJS] });
      expectPlace(lab);
    })(),
  );
});

function expectPlace(lab: Parameters<Parameters<typeof inLab>[0]>[0]): void {
  const [longest] = rowsOf(lab.recording(), 'stall').toSorted((a, b) => b.durationMs - a.durationMs);
  expect(longest?.kind).toBe('js-cpu');
  const { file, line } = longest!.location!;
  expect({ file, line }).toEqual({ file: join(lab.folder, 'src/block.ts'), line: lineOf(BLOCK_TS, '// guilty') });
}
