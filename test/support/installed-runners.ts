/** Test runners from npm, which are not among our own packages: they are 200 MB. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './run-agent.ts';

/** The latest that run on Node 20. */
const PACKAGES = ['jest@30', 'mocha@12', 'tap@21', 'ava@6', 'uvu@0'];
const folder = join(ROOT, 'node_modules/.cache/evdiag-runners');
export const MODULES = join(folder, 'node_modules');
export const INSTALL_MS = 600_000;

export function installRunners(): void {
  if (PACKAGES.every((name) => existsSync(join(MODULES, name.split('@')[0]!, 'package.json')))) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const flags = ['--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'];
  execFileSync('npm', ['install', ...flags, ...PACKAGES], { cwd: folder, stdio: 'ignore' });
}
