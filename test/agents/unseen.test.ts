/** What a program can see of its process is what it sees without the agent. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AGENT_CJS, AGENT_MJS, complaints, inLab, type Lab, ROOT, TEST_NODE } from '../support/run-agent.ts';

/** For the time of a busy machine: the program looks at 40 000 things. */
const FAR_MS = 200_000;
const INVENTORY = join(ROOT, 'test/support/inventory.cjs');

/** What differs, and why. */
const EXCEPTIONS = [
  // The family's folder, for child processes, which have it from their environment.
  /^(first|later|at exit): environment$/,
  /^node:process\.env(\.EVDIAG_FAMILY| keys)$/,
  // Which modules of Node's own are loaded: the agent needs some that the program may not.
  /^node:process\.moduleLoadList[. ]/,
  // util.inspect of Node 26 names a proxy: the listeners of the process and some async functions are behind one.
  ...(isNode26() ? [/^(first|later|at exit): process$/, /^node:fs\/promises\.\w+ inspected$/] : []),
  // The watchdog is the first worker thread of the process.
  /^node:worker_threads\.threadId$/,
];

/** The agent's preload is in nobody's list of modules: so is this one's. */
const EMPTY = {
  '-r': [
    'empty.cjs',
    `delete require.cache[__filename];
const { _pathCache } = module.constructor;
for (const name in _pathCache) if (_pathCache[name] === __filename) delete _pathCache[name];`,
  ],
  '--import': ['empty.mjs', ''],
} as const;

function isNode26(): boolean {
  return execFileSync(TEST_NODE, ['--version'], { encoding: 'utf8' }).startsWith('v26.');
}

type Inventory = Map<string, string>;

async function take(lab: Lab, preload: string[], level: string, where: string): Promise<Inventory> {
  const file = lab.file(`${Math.random()}.ndjson`, '');
  const env = { EVDIAG_LEVEL: level, EVDIAG_SUMMARY: '0' };
  const run = await lab.run(INVENTORY, { node: preload, args: [file, where], env, hangMs: FAR_MS });
  expect([run.exitCode, run.ownStderr, complaints(run)]).toEqual([0, '', []]);
  const lines = readFileSync(file, 'utf8').replaceAll(preload[1]!, 'PRELOAD').replaceAll(file, 'FILE').split('\n');
  return new Map(lines.map((line) => JSON.parse(line) as [string, string]));
}

/** Which of Node's queues runs a callback is chance; and while anybody has async hooks, Node 24 runs microtasks within a resource. */
const TURNS = /node:internal\/(process\/task_queues|timers):|AsyncResource\.run/;

/** V8 takes ten frames: the agent's, which are left out, may have the place of the last ones. fs.readFileSync opens by fs.openSync; each has two. */
const MOST_LEFT_OUT = 4;

function isSameStack(without = '', observed = ''): boolean {
  // V8 names the property that has the function, which is a wrapper's.
  const [all, some] = [without, observed].map((stack) =>
    stack
      .replace(/ \[as \w+\]/g, '')
      .split('\n')
      .filter((line) => !TURNS.test(line)),
  );
  const isPart = some!.every((line, i) => line === all![i]);
  if (all!.length === some!.length) return isPart;
  return isPart && without.split('\n').length > 10 && all!.length - some!.length <= MOST_LEFT_OUT;
}

describe('a program finds its process, its built-ins, errors and stacks as they are without the agent', () => {
  for (const [level, how, where] of [
    ['watch', '-r', 'main'],
    ['watch', '--import', 'main'],
    ['diagnose', '--import', 'main'],
    ['diagnose', '-r', 'worker'],
  ] as const)
    it.concurrent(
      `level ${level}, loaded by ${how}, seen from ${where === 'main' ? 'the main thread' : 'a worker thread'}`,
      inLab(async (lab) => {
        const empty = [how, lab.file(EMPTY[how][0], EMPTY[how][1])];
        const agent = [how, how === '-r' ? AGENT_CJS : AGENT_MJS];
        const [one, other, observed] = await Promise.all(
          [empty, empty, agent].map((one) => take(lab, one, level, where)),
        );
        if (!one || !other || !observed) return;
        expect(one.size).toBeGreaterThan(20_000);
        const differing: Record<string, [without: string | undefined, observed: string | undefined]> = {};
        for (const path of new Set([...one.keys(), ...observed.keys()])) {
          const [without, seen] = [one.get(path), observed.get(path)];
          // What differs from run to run is a clock, a number or an address.
          if (without === seen || without !== other.get(path)) continue;
          if (EXCEPTIONS.some((exception) => exception.test(path)) || isSameStack(without, seen)) continue;
          differing[path] = [without, seen];
        }
        expect(differing).toEqual({});
        const unlike = [...one.keys()].filter((path) => one.get(path) !== other.get(path));
        expect(unlike.length, unlike.join('\n')).toBeLessThan(one.size / 50);
      }),
      FAR_MS,
    );
});
