// The main use: an Express app under load, observed by the agent, which shows the lines that block everybody.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';

const LOAD_SECONDS = 6;
const LOAD_PER_SECOND = 50;
const PAUSE_MS = 400;
const EXIT_WAIT_MS = 10_000;
/** 26 letters and a digit: some 2^26 ways not to match. */
const SLOW_ROUTES = ['/report', '/hash', `/search?text=${'a'.repeat(26)}1`];

const root = fileURLToPath(new URL('..', import.meta.url));
const agent = join(root, 'dist', 'agent.cjs');
const program = join(root, 'scripts', 'demo', 'server.mjs');
const out = join(root, '.evdiag');
/** @param {string} text */
const say = (text) => console.log(`demo: ${text}`);

function build() {
  if (existsSync(agent)) return;
  say('building…');
  execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], { stdio: 'inherit' });
}

async function startServer() {
  const shown = [agent, program].map((path) => relative(process.cwd(), path));
  say(`$ node -r ./${shown[0]} ./${shown[1]}`);
  const server = spawn(process.execPath, ['-r', agent, program], {
    env: { ...process.env, EVDIAG_OUT: out },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const line of createInterface({ input: server.stdout })) {
    const [, url] = /listening on (\S+)/.exec(line) ?? [];
    if (url) return { server, url };
  }
  throw new Error('the server ended before it listened');
}

/**
 * Many visitors of /ok, and now and then one of a slow route.
 *
 * @param {string} url
 */
async function visit(url) {
  say(`${LOAD_PER_SECOND} requests/s to ${url}/ok for ${LOAD_SECONDS} s, and a few to /report, /hash and /search`);
  const load = autocannon({ url: `${url}/ok`, connections: 5, overallRate: LOAD_PER_SECOND, duration: LOAD_SECONDS });
  const end = performance.now() + LOAD_SECONDS * 1000;
  for (let turn = 0; performance.now() < end; turn++) {
    await sleep(PAUSE_MS);
    // V8 compiles a regular expression at its second use, and forgets it in time: so the slow one is always compiled.
    for (const text of ['hello', 'world']) await fetch(`${url}/search?text=${text}`);
    const route = SLOW_ROUTES[turn % SLOW_ROUTES.length];
    const start = performance.now();
    await fetch(url + route).then((response) => response.text());
    say(`GET ${route} took ${Math.round(performance.now() - start)} ms`);
  }
  const { latency } = await load;
  say(`GET /ok, which does nothing slow: median ${latency.p50} ms, 99th percentile ${latency.p99} ms`);
}

/** @param {import('node:child_process').ChildProcess} server */
async function stop(server) {
  say('^C');
  const ended = once(server, 'exit');
  server.kill('SIGINT');
  const timer = setTimeout(() => server.kill('SIGKILL'), EXIT_WAIT_MS);
  await ended;
  clearTimeout(timer);
}

/** The folder of the recording that was written last. */
function newestRecording() {
  if (!existsSync(out)) return null;
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('recording.ndjson'))
    .map((file) => join(out, file));
  /** @param {string} file */
  const age = (file) => statSync(file).mtimeMs;
  const newest = files.sort((a, b) => age(a) - age(b)).at(-1);
  return newest ? dirname(newest) : null;
}

build();
const { server, url } = await startServer();
try {
  await visit(url);
} finally {
  await stop(server);
}
const recording = newestRecording();
if (!recording) throw new Error(`no recording in ${out}`);
const shown = relative(process.cwd(), recording);
say(`the recording is ${shown}. Look at it with:\n\n    npx evdiag report ${shown}\n`);
