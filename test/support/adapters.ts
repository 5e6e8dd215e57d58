/** Projects in which tests run with an adapter of evdiag: the package is there as npm would put it. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT, TEST_NODE } from './run-agent.ts';
import { HEALTHY, SICK } from './sick-tests.ts';

/** Far away: the machine may be busy. */
const HANG_MS = 170_000;

export interface Project {
  folder: string;
  file(name: string, text: string): string;
  /** Runs Node in its folder; what it printed, and its exit code. */
  node(args: readonly string[], env?: Record<string, string>): Promise<{ text: string; exitCode: number }>;
  /** Of a server, in another process, that never answers. */
  silentPort: string;
  remove(): void;
}

const SILENT =
  "const s = require('net').createServer((c) => c.on('error', () => {})).listen(0, '127.0.0.1', () => console.log(s.address().port))";

/** Outside of any node_modules, where Jest looks for no tests. */
export async function createProject(): Promise<Project> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-adapter-')));
  const installed = join(folder, 'node_modules/evdiag');
  mkdirSync(installed, { recursive: true });
  for (const name of ['dist', 'package.json']) cpSync(join(ROOT, name), join(installed, name), { recursive: true });
  for (const name of ['@jridgewell', 'pprof-format']) {
    const place = join(dirname(installed), name);
    if (!existsSync(place)) symlinkSync(join(ROOT, 'node_modules', name), place);
  }
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const silent: ChildProcess = spawn(TEST_NODE, ['-e', SILENT], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(silent.stdout!, 'data')) as [Buffer];
  const silentPort = String(port).trim();
  return {
    folder,
    silentPort,
    file(name, text) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    node(args, env = {}) {
      const clean = Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^(NODE_|VITEST|TEST$|JEST|EVDIAG_|FORCE_COLOR)/.test(name)),
      );
      const options = {
        cwd: folder,
        env: { ...clean, NO_COLOR: '1', CI: '1', SILENT_PORT: silentPort, ...env },
        timeout: HANG_MS,
        maxBuffer: 64e6,
      };
      return new Promise((resolve) => {
        const child = execFile(TEST_NODE, [...args], options, (error, stdout, stderr) => {
          const exitCode = error ? (typeof error.code === 'number' ? error.code : -1) : 0;
          resolve({ text: `${stdout}\n${stderr}`, exitCode });
        });
        child.stdin?.end();
      });
    },
    remove() {
      silent.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** Of what a runner printed: what is wrong with the tests that must fail, and with those that must not; nothing if all is right. */
export function wrongWith(
  text: string,
  file: { path: string; text: string },
  lineOf: (text: string, name: string) => number,
): string[] {
  const plain = text.replaceAll('\u00a0', ' ');
  return Object.entries(SICK).flatMap(([name, { says }]) => {
    const place = new RegExp(
      `${says.source}[^·\\n]* · [^\\n]*${file.path.split('/').at(-1)!.replaceAll('.', '\\.')}:${lineOf(file.text, name)}:`,
    );
    return place.test(plain) ? [] : [`${name}: ${place} is not there`];
  });
}

export const SICK_COUNT = Object.keys(SICK).length;
export const HEALTHY_COUNT = Object.keys(HEALTHY).length;
