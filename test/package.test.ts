import { type ExecFileOptions, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const NODE = process.env.EVDIAG_TEST_NODE ?? process.execPath;
const EXIT_CODE = 7;
const GUILTY_LINE = 3;

/** Computes for 300 ms in a handler, long after start-up, and then leaves with an exit code of its own. */
const PROGRAM = `function block(start) {
  while (process.cpuUsage(start).user < 300_000);
}

const server = http.createServer((request, response) => {
  block(process.cpuUsage());
  response.end('done');
});
server.listen(0, '127.0.0.1', () => setTimeout(visit, 700));

function visit() {
  http.get({ port: server.address().port, host: '127.0.0.1', agent: false }, (response) => {
    response.resume().on('end', () => {
      console.log('status', response.statusCode);
      process.exitCode = ${EXIT_CODE};
      server.close();
    });
  });
}
`;
const PROGRAMS = {
  'app.js': `const http = require('node:http');\n${PROGRAM}`,
  'app.mjs': `import http from 'node:http';\n${PROGRAM}`,
};

const LEAKING_LINE = 4;
const LIBRARY_PROGRAM = `import { expectNoLeaks } from 'evdiag';
import { evdiagVitest } from 'evdiag/vitest';
function job() {
  setInterval(() => {}, 1000);
}
await expectNoLeaks(job, { graceMs: 10 }).catch((error) => console.log(error.message));
console.log('plugin', evdiagVitest().name);
process.exit();
`;

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

function run(file: string, args: string[], options: ExecFileOptions): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, args, { ...options, encoding: 'utf8' }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout: String(stdout), stderr: String(stderr) });
    });
  });
}

async function mustRun(file: string, args: string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await run(file, args, { cwd });
  expect(code, `${file} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

describe('the packed package, installed elsewhere', () => {
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
    await mustRun('npm', ['install', ...flags, join(folder, packed.filename)], folder);
  }, 180_000);

  test('npx evdiag --help', async () => {
    expect(await mustRun('npx', ['evdiag', '--help'], folder)).toMatch(/usage: evdiag/i);
  });

  test('the library is imported by its name, and evdiag/vitest without vitest', async () => {
    writeFileSync(join(folder, 'library.mjs'), LIBRARY_PROGRAM);
    const { stdout, stderr, code } = await run(NODE, ['library.mjs'], { cwd: folder });
    expect(code, stderr).toBe(0);
    expect(stdout).toContain(`interval of 1000 ms · library.mjs:${LEAKING_LINE}:3 job`);
    expect(stdout).toContain('plugin evdiag');
    expect(existsSync(join(folder, 'node_modules', 'vitest')), 'vitest is no dependency').toBe(false);
  });

  test.each([
    { name: 'app.js', flag: '-r' },
    { name: 'app.mjs', flag: '--import' },
  ] as const)(
    'node $flag evdiag/agent $name: the report names the line, the host is unchanged',
    async ({ name, flag }) => {
      const file = join(folder, name);
      const out = join(folder, `out-${name}`);
      writeFileSync(file, PROGRAMS[name]);
      const env = { ...process.env, EVDIAG_OUT: out };
      const plain = await run(NODE, [name], { cwd: folder });
      const observed = await run(NODE, [flag, 'evdiag/agent', name], { cwd: folder, env });
      expect(plain, 'the program itself').toMatchObject({ code: EXIT_CODE, stdout: 'status 200\n' });
      expect({ code: observed.code, stdout: observed.stdout }, observed.stderr).toEqual({
        code: plain.code,
        stdout: plain.stdout,
      });

      const report = JSON.parse(await mustRun('npx', ['evdiag', 'report', out, '--format', 'json'], folder));
      expect(report.findings, observed.stderr).toContainEqual(
        expect.objectContaining({
          rule: 'blocked-event-loop',
          location: expect.objectContaining({ file, line: GUILTY_LINE, function: 'block' }),
        }),
      );
    },
  );
});
