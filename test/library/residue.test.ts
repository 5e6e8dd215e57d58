import { execFile } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;

/** Prints what is hooked before, while and after scopes are open, and what a scope tells. */
const PROGRAM = `
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { EventEmitter } from 'node:events';
import fs, { openSync } from 'node:fs';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expectNoLeaks, profile, watch } from ${JSON.stringify(join(ROOT, 'dist/index.js'))};
const require = createRequire(import.meta.url);
const { internalBinding } = require('internal/test/binding');
const { async_hook_fields, constants } = internalBinding('async_wrap');
const bundle = require(${JSON.stringify(join(ROOT, 'dist/library.cjs'))});

const HOLDERS = [EventEmitter, EventEmitter.prototype, EventTarget.prototype, fs, net.Server.prototype, Error, globalThis];
const shapes = () => HOLDERS.map((holder) => Object.getOwnPropertyDescriptors(holder));
const hooks = () => ({
  promiseHooks: internalBinding('async_wrap').getPromiseHooks().filter(Boolean).length,
  init: async_hook_fields[constants.kInit],
  destroy: async_hook_fields[constants.kDestroy],
  listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  following: bundle.isFollowing(),
});
// Bringing the exports of node: modules up to date loads Node's fetch, which marks globalThis.
const keysOf = (shape) => Reflect.ownKeys(shape).filter((key) => !String(key).includes('undici'));
const same = (a, b) =>
  a.every((shape, i) => {
    const keys = keysOf(shape);
    return keys.length === keysOf(b[i]).length && keys.every((key) => Object.is(shape[key].value, b[i][key]?.value) && shape[key].get === b[i][key]?.get);
  });

await sleep(50);
const shapesBefore = shapes();
const exportBefore = openSync;
const before = hooks();
let during;
const timer = [];
const { left } = await watch('work', async () => {
  during = hooks();
  during.wrapped = !same(shapesBefore, shapes());
  await Promise.all([
    watch('inner', () => sleep(10)),
    watch('other', () => sleep(5)),
    expectNoLeaks(() => sleep(1)),
    profile(() => sleep(1)),
  ]);
  timer.push(setInterval(() => {}, 1000));
});
await sleep(20);
const after = hooks();
clearInterval(timer[0]);
const clean = same(shapesBefore, shapes()) && exportBefore === openSync;
console.log(JSON.stringify({ before, during, after, clean, left: left.map(({ what, location, count }) => [what, location.line > 0, count]) }));
`;

interface State {
  promiseHooks: number;
  init: number;
  destroy: number;
  listeners: [string, number][];
  following: boolean;
}

interface Told {
  before: State;
  during: State & { wrapped: boolean };
  after: State;
  clean: boolean;
  left: [what: string, placed: boolean, count: number][];
}

describe('the library leaves nothing behind', () => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-residue-')));
  const file = join(folder, 'program.mjs');
  writeFileSync(file, PROGRAM);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function run(args: string[]): Promise<Told & { stderr: string }> {
    const env = { ...process.env, EVDIAG_LEVEL: 'diagnose', EVDIAG_QUIET: '1', EVDIAG_OUT: join(folder, 'out') };
    const { stdout, stderr } = await promisify(execFile)(NODE, ['--expose-internals', '--no-warnings', ...args, file], {
      env,
    });
    return { ...(JSON.parse(stdout) as Told), stderr };
  }

  test('hooks and wrappers are there while a scope is open, and only then', async () => {
    const { before, during, after, clean, left, stderr } = await run([]);
    expect(before).toMatchObject({ promiseHooks: 0, following: false });
    expect(during).toMatchObject({ following: true, wrapped: true });
    expect(during.promiseHooks).toBeGreaterThan(0);
    expect(after).toEqual(before);
    expect(clean).toBe(true);
    expect(left).toEqual([['interval of 1000 ms', true, 1]]);
    expect(stderr).toBe('');
  });

  test('the same beside the preload at level diagnose, which goes on', async () => {
    const { before, after, clean, left } = await run(['-r', join(ROOT, 'dist/agent.cjs')]);
    expect(before.promiseHooks).toBeGreaterThan(0);
    // Node 20 sets the promise hooks of every async hook whenever one of them goes.
    expect({ ...after, promiseHooks: 0 }).toEqual({ ...before, promiseHooks: 0 });
    expect(clean).toBe(true);
    expect(left).toEqual([['interval of 1000 ms', true, 1]]);
  });
});
