import { type ExecFileOptions, execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect } from 'vitest';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
export const NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

export function run(file: string, args: string[], options: ExecFileOptions): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout: String(stdout), stderr: String(stderr) });
    });
  });
}

export async function mustRun(file: string, args: string[], cwd: string): Promise<string> {
  // Taken from the tests by vitest.config.ts.
  const certificates = process.env.EVDIAG_TEST_CA_CERTS;
  const env = certificates ? { ...process.env, NODE_EXTRA_CA_CERTS: certificates } : process.env;
  const { code, stdout, stderr } = await run(file, args, { cwd, env });
  expect(code, `${file} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

/** An empty project in which the packed package is installed, beside these; call it in a `describe`. */
export function installedPackage(...beside: string[]): string {
  // realpath: a temporary folder may be behind a link, and Node reports real paths.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'evdiag-package-')));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeAll(async () => {
    // Without prepack, which would rebuild dist while other tests use it; `npm test` has just built it.
    if (!existsSync(join(ROOT, 'dist', 'cli.js'))) await mustRun('npm', ['run', 'build'], ROOT);
    const [packed] = JSON.parse(
      await mustRun('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT),
    );
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const flags = ['--no-audit', '--no-fund', '--prefer-offline'];
    await mustRun('npm', ['install', ...flags, join(folder, packed.filename), ...beside], folder);
    cpSync(join(ROOT, 'test/fixtures/package'), folder, { recursive: true });
  }, 300_000);
  return folder;
}

/** What TypeScript complains of in the two packages of test/fixtures/package; declarations of packages are checked, too. */
export async function typeCheck(
  tsc: string,
  folder: string,
  module: string,
  resolution: string,
  ...more: string[]
): Promise<string> {
  const types = ['--typeRoots', join(ROOT, 'node_modules/@types'), '--types', 'node', '--skipLibCheck', 'false'];
  const flags = ['--noEmit', '--strict', '--target', 'es2023', '--lib', 'es2023,dom', ...types, ...more];
  const args = [tsc, ...flags, '--module', module, '--moduleResolution', resolution];
  const { stdout } = await run(process.execPath, [...args, 'commonjs/use.ts', 'module/use.ts'], { cwd: folder });
  return stdout;
}
