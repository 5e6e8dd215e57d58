// Prints the transcripts of README and docs anew, between "<!-- transcript NAME -->" and "<!-- end -->": npm run transcripts [NAME…]
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PROGRAMS = join(ROOT, 'scripts/transcripts');
const BIN = join(ROOT, 'bin/evdiag.mjs');
const out = mkdtempSync(join(tmpdir(), 'evdiag-transcripts-'));
const env = { ...process.env, EVDIAG_OUT: join(out, 'recordings'), EVDIAG_QUIET: '1', NO_COLOR: '1' };

/**
 * What a program prints on both streams, in order, whatever its exit code.
 *
 * @param {string[]} args
 * @param {string} cwd
 */
async function outputOf(args, cwd) {
  const { EVDIAG_QUIET: _, ...loud } = env;
  const child = spawn(process.execPath, args, { cwd, env: loud, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
  await once(child, 'close');
  return stripVTControlCharacters(text).trimEnd();
}

/** @param {string} name */
const program = (name) => outputOf([join(PROGRAMS, name)], PROGRAMS);

/**
 * A program under the agent, and the output of a command for it.
 *
 * @param {string} name
 * @param {number} beforeMs
 * @param {string[]} args
 */
async function ofProcess(name, beforeMs, ...args) {
  const flags = ['-r', join(ROOT, 'dist/agent.cjs'), name];
  const child = spawn(process.execPath, flags, { cwd: PROGRAMS, env, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') break;
    await sleep(beforeMs);
    const words = args.map((word) => (word === 'PID' ? String(child.pid) : word));
    const output = await outputOf([BIN, ...words], PROGRAMS);
    return `$ evdiag ${words.join(' ')}\n${output.replaceAll(/\S*node -r \S*agent\.cjs/g, 'node -r evdiag/agent')}`;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
    for (const left of readdirSync(PROGRAMS)) if (left.endsWith('.cpuprofile')) rmSync(join(PROGRAMS, left));
  }
}

/** @param {string} id */
const ofLab = async (id) => `$ evdiag lab ${id}\n${await outputOf([BIN, 'lab', id], out)}`;

const TRANSCRIPTS = {
  demo: async () =>
    (await outputOf([join(ROOT, 'scripts/demo.mjs')], ROOT)).replace(/\ndemo: the recording is[\s\S]*$/, ''),
  dump: () => ofProcess('orders.mjs', 400, 'dump', 'PID', '--yes'),
  'expect-no-leaks': () => program('leak.mjs'),
  lab: () => ofLab('switch-cost'),
  'lab-cpu-pool': () => ofLab('cpu-pool'),
  'lab-fan-out': () => ofLab('fan-out'),
  'lab-file-writes': () => ofLab('file-writes'),
  'lab-loop-throughput': () => ofLab('loop-throughput'),
  'lab-task-memory': () => ofLab('task-memory'),
  leaks: () => ofProcess('sessions.cjs', 500, 'leaks', 'PID', '--yes', '--wait', '10'),
  profile: () => ofProcess('server.mjs', 500, 'profile', 'PID', '-d', '5'),
  'profile-function': () => program('shop.mjs'),
  vitest: async () => {
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const text = await outputOf([vitest, 'run', '--root', join(PROGRAMS, 'vitest')], join(PROGRAMS, 'vitest'));
    return text
      .split('\n')
      .filter((line) => /^ FAIL|^(Leak|Blocked)Error|^ {2}interval|^ {3,}(\d\||\|)/.test(line))
      .join('\n');
  },
  watch: () => program('import.mjs'),
};

const pages = [
  'README.md',
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' }).map((name) => join('docs', name)),
]
  .filter((name) => name.endsWith('.md'))
  .map((name) => join(ROOT, name));
const wanted = process.argv.slice(2);
for (const [name, write] of Object.entries(TRANSCRIPTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const text = `<!-- transcript ${name} -->\n\`\`\`text\n${await write()}\n\`\`\`\n<!-- end -->`;
  for (const page of pages) {
    const before = readFileSync(page, 'utf8');
    const after = before.replace(new RegExp(`<!-- transcript ${name} -->[\\s\\S]*?<!-- end -->`), () => text);
    if (after !== before) writeFileSync(page, after);
  }
  console.log(text);
}
rmSync(out, { recursive: true, force: true });
