/** Runs shapes in one real process, which writes a heap snapshot before the traffic and after each part of it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Shape } from './shapes.ts';

const TEST_NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;
const RUN_LIMIT_MS = 120_000;

const MAIN = `
const { setImmediate } = require('node:timers/promises');
const { writeHeapSnapshot } = require('node:v8');
const files = JSON.parse(process.env.SHAPES);
const snapshots = JSON.parse(process.env.SNAPSHOTS);
async function main() {
  const shapes = [];
  for (const file of files) shapes.push(await import(file));
  const traffic = async (count) => {
    for (let i = 0; i < count; i++) {
      for (const shape of shapes) (shape.step ?? shape.default.step)();
      if (i % 20 === 0) await setImmediate();
    }
    await setImmediate();
  };
  await traffic(600);
  for (const [i, file] of snapshots.entries()) {
    if (i > 0) await traffic(500);
    writeHeapSnapshot(file);
  }
  process.kill(process.pid, 'SIGKILL');
}
main();
`;

export interface Taken {
  folder: string;
  snapshots: string[];
  /** Path of a shape's file. */
  file(id: string): string;
  remove(): void;
}

/** The snapshots of a process in which these shapes are at work. */
export function observe(shapes: readonly Shape[], count: number): Taken {
  const folder = join(realpathSync(tmpdir()), `evdiag-shapes-${process.pid}-${shapes[0]!.id}`);
  mkdirSync(folder, { mode: 0o700 });
  const path = ({ id, extension = 'cjs' }: Shape): string => join(folder, `${id}.${extension}`);
  for (const shape of shapes) writeFileSync(path(shape), shape.source);
  const snapshots = Array.from({ length: count }, (_, i) => join(folder, `${i}.heapsnapshot`));
  writeFileSync(join(folder, 'main.cjs'), MAIN);
  const run = spawnSync(TEST_NODE, ['main.cjs'], {
    cwd: folder,
    env: {
      ...process.env,
      EXPRESS: createRequire(import.meta.url).resolve('express'),
      SHAPES: JSON.stringify(shapes.map(path)),
      SNAPSHOTS: JSON.stringify(snapshots),
    },
    timeout: RUN_LIMIT_MS,
    encoding: 'utf8',
  });
  if (run.signal !== 'SIGKILL') throw new Error(`no snapshots: exit ${run.status}, ${run.signal}\n${run.stderr}`);
  return {
    folder,
    snapshots,
    file: (id) => path(shapes.find((shape) => shape.id === id)!),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
