import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { apiPage } from '../scripts/docs/api-page.ts';
import { installedPackage, mustRun, NODE, ROOT, run, typeCheck } from './support/packed.ts';

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

/** What the program `required.cjs` prints. */
const REQUIRED = {
  line: 3,
  isLeakError: true,
  sameForImport: true,
  sameNames: true,
  recording: 'functionjudge',
  plugin: 'evdiag',
};
const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');

test('docs/api.md is what the declarations say', () => {
  expect(readFileSync(join(ROOT, 'docs/api.md'), 'utf8'), 'cure: npm run docs').toBe(apiPage(ROOT));
});

describe('the packed package, installed elsewhere', () => {
  const folder = installedPackage();

  test('licence, changelog, security, docs, examples and what assistants read are in it', () => {
    for (const name of [
      'LICENSE',
      'CHANGELOG.md',
      'SECURITY.md',
      'docs/api.md',
      'docs/rules/README.md',
      'examples/README.md',
      'llms.txt',
      'skills/evdiag/SKILL.md',
    ])
      expect(existsSync(join(folder, 'node_modules/evdiag', name)), name).toBe(true);
  });

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

  test('it can be required, too, and is one and the same for import and require', async () => {
    expect(JSON.parse(await mustRun(NODE, ['required.cjs'], folder))).toEqual(REQUIRED);
  });

  test.each([
    ['node16', 'node16'],
    ['esnext', 'bundler'],
  ])('its types hold in a CommonJS and in an ES module package: module %s, moduleResolution %s', async (...how) => {
    expect(await typeCheck(tsc, folder, ...how)).toBe('');
  });

  test.each([
    ['bundled-import.mjs', 'cjs'],
    ['bundled-import.mjs', 'esm'],
    ['bundled-require.cjs', 'cjs'],
  ] as const)('%s bundled by esbuild as %s works where it is installed', async (name, format) => {
    const out = join(folder, 'bundles', `${name}.${format === 'cjs' ? 'cjs' : 'mjs'}`);
    await build({
      entryPoints: [join(folder, name)],
      bundle: true,
      platform: 'node',
      format,
      outfile: out,
      logLevel: 'error',
    });
    expect(await mustRun(NODE, [out], folder)).toBe('1 job\n');
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
