import { describe, expect, it } from 'vitest';
import { type FileUse, type MessageUse, rowsOf, type StreamUse } from '../../src/recording/types.ts';
import { inLab, type Lab, lineOf } from '../support/run-agent.ts';

const DIAGNOSE = { env: { EVDIAG_LEVEL: 'diagnose' } };

const rows = (lab: Lab) => rowsOf(lab.recording(), 'transfers');

/** By line and function, what all rows say together. */
function summed<Use extends { location: { line: number } | null }>(uses: readonly Use[], call: (use: Use) => string) {
  const sums = new Map<string, Use[]>();
  for (const use of uses) {
    const key = `${use.location?.line} ${call(use)}`;
    sums.set(key, [...(sums.get(key) ?? []), use]);
  }
  return sums;
}
const sum = <Use>(uses: readonly Use[] | undefined, of: (use: Use) => number) =>
  (uses ?? []).reduce((total, use) => total + of(use), 0);

const filesOf = (lab: Lab) =>
  summed<FileUse>(
    rows(lab).flatMap(({ files }) => files),
    ({ call }) => call,
  );
const messagesOf = (lab: Lab) =>
  summed<MessageUse>(
    rows(lab).flatMap(({ messages }) => messages),
    ({ call }) => call,
  );
const streamsOf = (lab: Lab) =>
  summed<StreamUse>(
    rows(lab).flatMap(({ streams }) => streams),
    () => '',
  );

describe.each(['watch', 'diagnose'])('at level %s', (level) => {
  it(
    'operations on files are counted with their size, file and line, whichever way they are called',
    inLab(async (lab) => {
      const text = `
import fs, { appendFileSync, statSync } from 'node:fs';
import { appendFile, open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
const path = process.argv[2];
await new Promise((resolve) => setTimeout(resolve, 400)); // the agent's first reading is due before
async function append() {
  for (let i = 0; i < 600; i++) await appendFile(path, 'eight by'); // appended
}
await append();
const file = await open(path, 'r+');
for (let i = 0; i < 500; i++) await file.write(Buffer.from('four')); // by handle
const buffer = Buffer.alloc(32);
for (let i = 0; i < 500; i++) await file.read(buffer, 0, 16, 0); // at a position
await file.sync();
await file.close();
const read = promisify(fs.readFile);
for (let i = 0; i < 300; i++) await read(path); // called back
for (let i = 0; i < 300; i++) await readFile(new URL('file://' + path)); // by URL
for (let i = 0; i < 300; i++) appendFileSync(path, 'x'); // synchronous
for (let i = 0; i < 300; i++) statSync(path); // looked at
for (let i = 0; i < 300; i++) fs.closeSync(fs.openSync(path)); // opened
`;
      const path = lab.file('target.log', '');
      await lab.run(lab.file('app.mjs', text), { args: [path], env: { EVDIAG_LEVEL: level } });
      const files = filesOf(lab);
      const seen = (mark: string, call: string) => {
        const uses = files.get(`${lineOf(text, mark)} ${call}`);
        return [
          sum(uses, ({ count }) => count),
          Math.round(sum(uses, ({ bytes }) => bytes) / (sum(uses, ({ sized }) => sized) || 1)),
          sum(uses, ({ positioned }) => positioned) > 0,
          sum(uses, ({ opened }) => opened) > 0,
          uses?.at(-1)?.file,
        ];
      };
      // What a busy machine spreads over rows of few is not told, and places are sampled.
      const about = (count: number) => expect.toSatisfy((n: number) => n >= count * 0.4 && n <= count * 1.05);
      expect(seen('// appended', 'appendFile')).toEqual([about(600), 8, false, true, 'target.log']);
      expect(seen('// by handle', 'FileHandle.write')).toEqual([about(500), 4, false, false, 'target.log']);
      expect(seen('// at a position', 'FileHandle.read')).toEqual([about(500), 16, true, false, 'target.log']);
      expect(seen('// called back', 'readFile')).toEqual([about(300), 0, false, true, 'target.log']);
      expect(seen('// by URL', 'readFile')).toEqual([about(300), 0, false, true, 'target.log']);
      expect(seen('// synchronous', 'appendFileSync')).toEqual([about(300), 1, false, true, 'target.log']);
      expect(seen('// looked at', 'statSync')).toEqual([about(300), 0, false, true, 'target.log']);
      expect(seen('// opened', 'openSync')).toEqual([about(300), 0, false, true, 'target.log']);
      expect(sum(rows(lab), ({ flushes }) => flushes)).toBe(1);
    }),
  );
});

it(
  'functions of node:fs behave and look as without',
  inLab(async (lab) => {
    const text = `
import fs from 'node:fs';
import * as promises from 'node:fs/promises';
import { inspect, promisify, types } from 'node:util';
// Node 26 shows that async functions are behind a proxy.
const shown = (it) => inspect(it, { depth: 0 }).replace(/^Proxy\\((.*)\\)$/, '$1');
console.log(fs.promises.appendFile === promises.appendFile, promises.default === fs.promises);
for (const [name, value] of [['fs', fs], ['promises', fs.promises]])
  for (const key of Object.keys(value).sort()) {
    const { value: it, ...rest } = Object.getOwnPropertyDescriptor(value, key);
    console.log(name, key, shown(it), it?.length, it?.name, JSON.stringify(rest), typeof it === 'function' && String(it).length, Object.prototype.toString.call(it));
  }
const file = await promises.open(process.argv[1]);
const { prototype } = file.constructor;
for (const key of Object.getOwnPropertyNames(prototype).sort()) console.log(key, JSON.stringify(Object.getOwnPropertyDescriptor(prototype, key)), inspect(Object.getOwnPropertyDescriptor(prototype, key).value));
await file.close();
console.log((await promisify(fs.read)(fs.openSync(process.argv[1]), Buffer.alloc(3), 0, 3, 0)).bytesRead, await promisify(fs.exists)('/nowhere'));
for (const call of [() => fs.readFileSync(), () => fs.statSync({}), () => fs.write(1e9, 5, () => {}), () => fs.writeSync(-1, 'x')])
  try { call(); } catch (error) { console.log(error.code, error.stack.split('\\n').length); }
for (const call of [() => promises.readFile('/nowhere'), () => promises.appendFile({})])
  await call().catch((error) => console.log(error.code, error.stack.split('\\n').length));
`;
    const run = await lab.expectSame(lab.file('app.mjs', text));
    expect(run.exitCode).toBe(0);
  }),
);

it(
  'a stream that is full and written to all the same is counted at its line, and one that is waited for is not',
  inLab(async (lab) => {
    const text = `
const { Readable, Writable } = require('node:stream');
const { pipeline } = require('node:stream/promises');
const { once } = require('node:events');
const slow = () => new Writable({ highWaterMark: 100, write(chunk, _encoding, done) { setTimeout(done, 1); } });
const stuck = new Writable({ highWaterMark: 100, write() {} });
setTimeout(async () => {
  const waiting = slow();
  for (let i = 0; i < 50; i++) if (!waiting.write('x'.repeat(200))) await once(waiting, 'drain'); // waits
  await pipeline(Readable.from(Array(50).fill('x'.repeat(200))), slow()); // piped
  for (let i = 0; i < 50; i++) stuck.write('x'.repeat(200)); // guilty
  slow().write('x'.repeat(1e6)); // one large
}, 400);
`;
    await lab.run(lab.file('app.js', text), DIAGNOSE);
    const streams = streamsOf(lab);
    expect([...streams.keys()]).toEqual([`${lineOf(text, '// guilty')} `]);
    expect([...streams.values()][0]).toEqual([
      expect.objectContaining({ stream: 'Writable', streams: 1, ignored: 49, bufferedBytes: 10_000 }),
    ]);
  }),
);

it(
  'messages that take long are counted with their size and line, small ones are not',
  inLab(async (lab) => {
    const text = `
const { MessageChannel } = require('node:worker_threads');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const big = Array.from({ length: 50_000 }, (_, id) => ({ id, name: 'a name of thirty characters ' + id % 10 }));
const { port1 } = new MessageChannel();
setTimeout(() => {
for (let i = 0; i < 3; i++) port1.postMessage(big); // cloned
for (let i = 0; i < 50; i++) port1.postMessage({ id: i }); // small
const shared = new SharedArrayBuffer(64e6);
port1.postMessage({ shared });
const handed = new ArrayBuffer(64e6);
port1.postMessage(handed, [handed]);
try { port1.postMessage(() => {}); } catch (error) { console.log(error.name); }
port1.close();
const child = fork(process.argv[2], { execArgv: [], env: { NODE_OPTIONS: '' } });
child.send(big); // sent
once(child, 'message').then(([count]) => { console.log(count); child.disconnect(); });
}, 400);
`;
    const child = lab.file('child.js', "process.on('message', (list) => process.send(list.length));");
    const run = await lab.run(lab.file('app.js', text), { ...DIAGNOSE, args: [child] });
    expect(run.stdout).toBe('DataCloneError\n50000\n');
    const messages = messagesOf(lab);
    const of = (mark: string, call: string) => messages.get(`${lineOf(text, mark)} ${call}`);
    expect(sum(of('// cloned', 'postMessage'), ({ count }) => count)).toBe(3);
    expect(sum(of('// sent', 'send'), ({ count }) => count)).toBe(1);
    const bytes = of('// cloned', 'postMessage')![0]!.maxBytes;
    expect(bytes).toBeGreaterThan(1.5e6);
    expect(bytes).toBeLessThan(6e6);
    // A busy host may hold up a small one, whose size says what it was.
    for (const [key, uses] of messages) {
      if (!/cloned|sent/.test(text.split('\n')[Number.parseInt(key, 10) - 1]!))
        expect(Math.max(...uses.map(({ maxBytes }) => maxBytes))).toBeLessThan(100);
    }
  }),
);
