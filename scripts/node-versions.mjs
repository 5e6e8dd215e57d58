// Runs the agent's end-to-end tests under other Node versions, taken from the npm package `node`.
// usage: node scripts/node-versions.mjs [MAJOR…] [-- VITEST FILTER…]
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const AGENTS = ['test/agents'];
const SICK = ['test/scenarios/scenarios.test.ts', '-t', 'broken:'];
/** Those that depend most on differences between versions. */
const VARYING_SICK = [SICK[0], '-t', 'broken: (async|microtask|nexttick|sync-database) is'];
/** The agent's tests in which V8 differs most. */
const V8_BOUND = [
  'async-trace',
  'cpu-profile',
  'level',
  'loaded-maps',
  'loading',
  'deep-samples',
  'async-dump',
  'sync-calls',
  'terminations',
  'test-runners',
  'tracking',
  'unseen',
];
/** And those in which Node does. */
const NODE_BOUND = ['exits', 'live', 'permission', 'recent-profile', 'side-effects', 'workers'];
/** What Node reports about requests and file operations. */
const PENDING = ['test/library/requests.test.ts'];
const LISTED = ['test/cli/dump.test.ts', '-t', 'file operations'];
/** @param {string[]} names */
const agents = (...names) => names.map((name) => `test/agents/${name}.test.ts`);
/**
 * What runs on each: most on the newest, the others are between it and the machine's, which runs all. By hand:
 * node scripts/node-versions.mjs 24 -- test/agents
 *
 * @type {Record<string, string[][]>}
 */
const SUITES = {
  22: [[...agents(...V8_BOUND), ...PENDING]],
  24: [[...agents(...V8_BOUND), ...PENDING], VARYING_SICK],
  26: [[...agents(...V8_BOUND, ...NODE_BOUND), ...PENDING], LISTED, VARYING_SICK],
};
const INSTALL_ATTEMPTS = 3;

const root = fileURLToPath(new URL('..', import.meta.url));
const arguments_ = process.argv.slice(2);
const divider = arguments_.includes('--') ? arguments_.indexOf('--') : arguments_.length;
const majors = arguments_.slice(0, divider);
const filters = arguments_.slice(divider + 1);

/**
 * The absolute path of that Node's binary; installs it if it is missing.
 *
 * @param {string} major
 */
function nodeBinary(major) {
  const folder = join(root, 'node_modules', '.cache', 'evdiag-node', major);
  const binary = join(folder, 'node_modules', 'node', 'bin', 'node');
  for (let attempt = 1; !existsSync(binary); attempt++) {
    if (attempt > INSTALL_ATTEMPTS) throw new Error(`no ${binary} after ${INSTALL_ATTEMPTS} attempts to install it`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true, "allowScripts": { "node": true } }\n');
    // The package fetches its binary in an install script, so scripts must be allowed here.
    const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts=false'];
    spawnSync('npm', ['install', ...flags, `node@${major}`], { cwd: folder, stdio: 'inherit' });
  }
  return binary;
}

/**
 * @param {string[]} suite
 * @param {string} binary
 * @param {string} name
 */
function runSuite(suite, binary, name) {
  const { status } = spawnSync('npx', ['vitest', 'run', ...suite], {
    cwd: root,
    env: { ...process.env, EVDIAG_TEST_NODE: binary, EVDIAG_TEST_NODE_NAME: name },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return status === 0;
}

/** @param {string} major */
function runTests(major) {
  const started = Date.now();
  const result = { name: `Node ${major}`, outcome: 'FAILED', seconds: 0, why: '' };
  try {
    const binary = nodeBinary(major);
    result.name = `Node ${execFileSync(binary, ['--version'], { encoding: 'utf8' }).trim()}`;
    console.log(`\n== ${result.name}: ${binary}`);
    const suites = filters.length ? [filters] : (SUITES[major] ?? [AGENTS, SICK]);
    const passed = suites.map((suite) => runSuite(suite, binary, result.name));
    if (passed.every(Boolean)) result.outcome = 'passed';
  } catch (error) {
    result.why = String(error);
  }
  result.seconds = Math.round((Date.now() - started) / 1000);
  return result;
}

const results = (majors.length ? majors : Object.keys(SUITES)).map(runTests);
console.log('\n== Node versions');
for (const { name, outcome, seconds, why } of results) {
  console.log(`${outcome.padEnd(8)} ${String(seconds).padStart(5)} s  ${name} ${why}`.trimEnd());
}
process.exitCode = results.every(({ outcome }) => outcome === 'passed') ? 0 : 1;
