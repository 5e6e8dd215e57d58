/** A folder outside the repository, in which the libraries and the packed evdiag are installed as in a user's project. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ROOT } from '../support/run-agent.ts';
import { FIELD } from './answers.ts';

/**
 * A project of this process's own with the programs and the present build of evdiag, within the folder of the libraries: what is
 * missing there is installed by that Node. It goes when the process ends.
 */
export function prepareHome(node: string, say: (text: string) => void, installMs?: number): string {
  const home = join(installed(FIELD, node, say, installMs), `run-${process.pid}`);
  rmSync(home, { recursive: true, force: true });
  process.on('exit', () => rmSync(home, { recursive: true, force: true }));
  cpSync(join(FIELD, 'programs'), join(home, 'programs'), { recursive: true });
  unpackInto(join(home, 'node_modules/evdiag'));
  return home;
}

/** The folder in which the packages of such a lock file are installed, for Nodes of that major version: add-ons are built for one. */
export function installed(from: string, node: string, say: (text: string) => void, installMs?: number): string {
  const lock = createHash('sha256')
    .update(readFileSync(join(from, 'package-lock.json')))
    .digest('hex');
  const base = process.env.EVDIAG_FIELD_HOME ?? join(homedir(), '.cache/evdiag-field');
  const home = join(base, `${lock.slice(0, 8)}-node${majorOf(node)}`);
  if (existsSync(join(home, 'node_modules/.package-lock.json'))) return home;
  say(`installing what ${join(from, 'package.json')} lists into ${home}`);
  mkdirSync(home, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) cpSync(join(from, file), join(home, file));
  const flags = ['--no-audit', '--no-fund', '--prefer-offline', '--ignore-scripts=false'];
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  if (process.env.EVDIAG_TEST_CA_CERTS) env.NODE_EXTRA_CA_CERTS = process.env.EVDIAG_TEST_CA_CERTS;
  execFileSync('npm', ['ci', ...flags], { cwd: home, env, stdio: ['ignore', 'ignore', 'inherit'], timeout: installMs });
  return home;
}

export function majorOf(node: string): string {
  return execFileSync(node, ['-p', 'process.versions.node.split(".")[0]'], { encoding: 'utf8' }).trim();
}

/** What `npm install` would put there; the agent needs none of the package's dependencies. */
function unpackInto(folder: string): void {
  const packed = mkdtempSync(join(tmpdir(), 'evdiag-packed-'));
  try {
    const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', packed];
    const [{ filename }] = JSON.parse(
      execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    );
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    execFileSync('tar', ['-xzf', join(packed, filename), '--strip-components=1', '-C', folder]);
  } finally {
    rmSync(packed, { recursive: true, force: true });
  }
}
