import { describe, expect, it } from 'vitest';
import { inLab, lineOf, stallPlaces } from '../support/run-agent.ts';

/** A server that is asked once; its handler runs `block` and then says on stderr that the block has ended. */
function server(block: string): string {
  return `
const fs = require('node:fs');
const http = require('node:http');
const crypto = require('node:crypto');
const { execSync } = require('node:child_process');
function handler(request, response) {
  ${block}
  fs.writeSync(2, 'block ended\\n');
  response.end('done');
}
const server = http.createServer(handler).listen(0, '127.0.0.1', () => {
  // Not in the loop turn that starts the server: its stall belongs to a request.
  setTimeout(() => {
    http.get({ port: server.address().port, host: '127.0.0.1' }, (response) => {
      response.setEncoding('utf8').on('data', (text) => console.log(response.statusCode, text));
      response.on('end', () => server.close());
    });
  }, 300);
});
`;
}

const BLOCKS = [
  {
    what: 'JavaScript',
    block:
      'for (let n = 0, start = process.cpuUsage(); process.cpuUsage(start).user < 1500e3; ) while (++n % 1e6); // guilty',
    line: /^event loop blocked for \d+ ms so far · js-cpu · handler \(app\.js:(\d+):\d+\)( · GET \/)?$/,
  },
  {
    what: 'a native call',
    block: `let rounds = 2e5;
  for (let ms = 0; ms < 400; rounds = Math.ceil(rounds * 2)) {
    const begin = performance.now();
    crypto.pbkdf2Sync('a', 'b', 1000, 64, 'sha512');
    ms = ((performance.now() - begin) * rounds) / 1000;
  }
  crypto.pbkdf2Sync('secret', 'salt', rounds * 3, 64, 'sha512'); // guilty`,
    line: /^event loop blocked for \d+ ms so far · sync-crypto crypto\.pbkdf2Sync · handler \(app\.js:(\d+):\d+\)( · GET \/)?$/,
  },
  {
    what: 'a child process',
    block: "execSync('sleep 1.2'); // guilty",
    line: /^event loop blocked for \d+ ms so far · sync-child-process childProcess\.execSync · handler \(app\.js:(\d+):\d+\)( · GET \/)?$/,
  },
  {
    what: 'a sleep',
    block: 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200); // guilty',
    line: /^event loop blocked for \d+ ms so far · sync-sleep Atomics\.wait · handler \(app\.js:(\d+):\d+\)( · GET \/)?$/,
  },
];

describe('a blocked handler is told on stderr while it lasts', () => {
  it.for(BLOCKS)('$what', async ({ block, line }) => {
    await inLab(async (lab) => {
      const text = server(block);
      const run = await lab.expectSame(lab.file('app.js', text));
      expect(run.stdout).toBe('200 done\n');
      const lines = run.stderr.split('\n').map((each) => each.replace(/^evdiag: /, ''));
      const told = lines.findIndex((each) => line.test(each));
      expect(told, run.stderr).toBeGreaterThanOrEqual(0);
      expect(told, 'told before the block ended').toBeLessThan(lines.indexOf('block ended'));
      expect(Number(line.exec(lines[told]!)![1])).toBe(lineOf(text, '// guilty'));
    })();
  });
});

describe('the report names the line', () => {
  it(
    'of JSON.parse',
    inLab(async (lab) => {
      const text = `
const text = JSON.stringify(Array.from({ length: 4e5 }, (_, i) => ({ i, name: 'name ' + i, list: [i, i + 1] })));
function load() {
  const parsed = [];
  for (let i = 0; i < 2; i++) parsed.push(JSON.parse(text)); // guilty
  return parsed;
}
setTimeout(() => console.log(load().length), 300);
`;
      await lab.expectSame(lab.file('app.js', text));
      const { findings } = await lab.report();
      const finding = findings.find(({ kind }) => kind === 'json');
      expect(finding?.location).toMatchObject({ file: `${lab.folder}/app.js`, line: lineOf(text, '// guilty') });
      expect(finding?.location?.function).toBe('load');
    }),
  );

  it(
    'of code that V8 has optimised',
    inLab(async (lab) => {
      const text = `
function work(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) sum = (sum * 31 + i) % 1000003; // guilty
  return sum;
}
for (let i = 0; i < 2000; i++) work(2000);
setTimeout(() => {
  // By CPU time: on a busy host the clock would make it a fraction of that.
  const begin = process.cpuUsage().user;
  work(1e7);
  const rounds = Math.ceil(1e7 * Math.max(1, 700_000 / (process.cpuUsage().user - begin || 1)));
  setTimeout(() => console.log(work(rounds) >= 0), 50);
}, 300);
`;
      await lab.expectSame(lab.file('app.js', text));
      expect(stallPlaces(lab.recording(), lab.folder)).toContain(`js-cpu app.js:${lineOf(text, '// guilty')}`);
      const { findings } = await lab.report();
      // On a busy host, waits for a core may have taken longer.
      expect(findings.find(({ kind }) => kind === 'js-cpu')?.location).toMatchObject({
        function: 'work',
        line: lineOf(text, '// guilty'),
      });
    }),
  );
});
