// evdiag leaks against memlab, and against another build of evdiag, on the same heap snapshots, side by side in one run:
// node bench/heap.mjs [--sizes 50,500,2200] [--no-memlab] [--old FOLDER, a checkout with its dist/]
// memlab is installed once, outside the project: it is no dependency.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    sizes: { type: 'string', default: '50,500,2200' },
    'no-memlab': { type: 'boolean' },
    old: { type: 'string' },
    keep: { type: 'boolean' },
  },
});
const HERE = import.meta.dirname ?? new URL('.', import.meta.url).pathname;
const FOLDER = join(tmpdir(), 'evdiag-heap-bench');
const MEMLAB = join(tmpdir(), 'evdiag-memlab');
const MEMLAB_VERSION = '2.0.5';
const MEMLAB_LIMIT_MS = 20 * 60_000;
/** Of the file, with heap-patient.mjs. */
const RECORDS_PER_MB = 920;
/** From here on, a smaller one several times over. */
const REAL_MB = 600;
const BARS = { speed: 5, memory: 2 };

mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
const withMemlab = !options['no-memlab'] && installMemlab();
console.log(
  `Node ${process.version}; read, dominators and leak report. Bars: ${BARS.speed} times as fast, at most ${BARS.memory} times the file in memory.\n`,
);
const oldTitle = options.old ? '   old build    memory   faster' : '';
console.log(`    file      nodes   evdiag    memory      ${oldTitle}   memlab    memory   faster`);
for (const mb of options.sizes.split(',').map(Number)) measure(mb);
if (!options.keep) rmSync(FOLDER, { recursive: true, force: true });

/** @param {number} mb */
function measure(mb) {
  const file = makeFile(mb);
  const fileMb = statSync(file).size / 1e6;
  // In turns, and the best of each: the first reads the file from the disk, and a busy machine is not equally busy all the time.
  const turns = ['new', 'old', 'old', 'new'].filter((build) => build === 'new' || options.old);
  const runs = turns.map((build) => ({
    build,
    ...leaks(build === 'new' ? join(HERE, '..') : String(options.old), file),
  }));
  const ours = best(runs, 'new');
  const old = best(runs, 'old');
  const nodes = ours.failed ? 0 : JSON.parse(ours.stdout).snapshots[0].nodeCount;
  const theirs = withMemlab ? run([join(HERE, 'heap-memlab.cjs'), MEMLAB, file], MEMLAB_LIMIT_MS) : null;
  const faster = theirs && !theirs.failed ? `${(theirs.ms / ours.ms).toFixed(1)}×` : '';
  const memory = `${column(ours.peakMb, 5)} MB ${(ours.peakMb / fileMb).toFixed(2)}×`;
  const other =
    theirs === null
      ? ''
      : theirs.failed
        ? `   failed: ${theirs.failed}`
        : `${seconds(theirs)} ${column(theirs.peakMb, 6)} MB`;
  console.log(
    `${column(fileMb, 5)} MB ${column(nodes / 1e6, 6, 1)} M ${ours.failed ? ours.failed : seconds(ours)}  ${memory}${oldColumns(old, ours)}   ${other}   ${faster}`,
  );
  if (!options.keep) rmSync(file, { force: true });
}

/**
 * @param {string} folder of a build
 * @param {string} file
 */
function leaks(folder, file) {
  return run([join(folder, 'bin/evdiag.mjs'), 'leaks', file, '--json']);
}

/**
 * @param {({ build: string } & Run)[]} runs
 * @param {string} build
 */
function best(runs, build) {
  return runs.filter((run) => run.build === build).sort((a, b) => a.ms - b.ms)[0];
}

/**
 * @param {Run | undefined} old
 * @param {Run} ours
 */
function oldColumns(old, ours) {
  if (!old) return '';
  if (old.failed) return `   failed: ${old.failed}`;
  return `   ${seconds(old)}   ${column(old.peakMb, 6)} MB   ${(old.ms / ours.ms).toFixed(2)}×`;
}

/**
 * @param {number} mb
 * @returns {string}
 */
function makeFile(mb) {
  const file = join(FOLDER, `${mb}.heapsnapshot`);
  if (existsSync(file)) return file;
  /** @param {string[]} args */
  const node = (args) => execFileSync(process.execPath, args, { stdio: 'inherit' });
  if (mb <= REAL_MB) {
    node(['--max-old-space-size=8000', join(HERE, 'heap-patient.mjs'), file, String(Math.round(mb * RECORDS_PER_MB))]);
    return file;
  }
  const small = makeFile(50);
  node([join(HERE, 'heap-copies.mjs'), small, file, String(Math.ceil((mb * 1e6) / statSync(small).size))]);
  return file;
}

/** @typedef {{ ms: number, peakMb: number, stdout: string, failed: string | null }} Run */

/**
 * @param {string[]} args
 * @param {number} [timeout]
 * @returns {Run}
 */
function run(args, timeout) {
  const from = performance.now();
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    ['--max-old-space-size=16000', '-r', join(HERE, 'heap-peak.cjs'), ...args],
    { encoding: 'utf8', maxBuffer: 1e9, timeout, killSignal: 'SIGKILL' },
  );
  const ms = performance.now() - from;
  const peakMb = Number(/peak (\d+)\n$/.exec(stderr)?.[1] ?? Number.NaN) / 1000;
  const failed = status === 0 ? null : `${signal ?? `exit ${status}`} after ${(ms / 1000).toFixed(0)} s`;
  if (failed) console.error(stderr.slice(-500));
  return { ms, peakMb, stdout, failed };
}

function installMemlab() {
  if (existsSync(join(MEMLAB, 'node_modules/@memlab/heap-analysis'))) return true;
  mkdirSync(MEMLAB, { recursive: true, mode: 0o700 });
  writeFileSync(join(MEMLAB, 'package.json'), '{"private":true}');
  const packages = ['core', 'heap-analysis'].map((name) => `@memlab/${name}@${MEMLAB_VERSION}`);
  const env = { ...process.env, PUPPETEER_SKIP_DOWNLOAD: '1' };
  const { status } = spawnSync('npm', ['install', '--no-audit', '--no-fund', ...packages], {
    cwd: MEMLAB,
    env,
    stdio: 'ignore',
  });
  if (status !== 0) console.error('memlab cannot be installed: evdiag is measured alone.');
  return status === 0;
}

/**
 * @param {number} value
 * @param {number} width
 */
function column(value, width, digits = 0) {
  return value.toFixed(digits).padStart(width);
}

/** @param {{ ms: number }} run */
function seconds({ ms }) {
  return `${column(ms / 1000, 6, 1)} s`;
}
