import { expect, it } from 'vitest';
import { SYNC_CALLS } from '../../agents/shared-memory.ts';
import { AGENT_CJS, AGENT_MJS, inLab } from '../support/run-agent.ts';

const CALLS = JSON.stringify(SYNC_CALLS.map(({ module, name }) => [module, name]));

it(
  'every wrapped function looks like its original',
  inLab(async (lab) => {
    const text = `
const util = require('node:util');
const holders = { JSON, Intl, Date: Date.prototype, Number: Number.prototype };
for (const name of ['fs', 'child_process', 'crypto', 'zlib']) holders[name] = require('node:' + name);
const others = [['child_process', 'exec'], ['child_process', 'execFile'], ['fs', 'exists'], ['fs', 'read'], ['crypto', 'pbkdf2']];
for (const [module, name] of ${CALLS}.concat(others)) {
  const holder = holders[module];
  const method = holder?.[name];
  if (method === undefined) continue;
  const property = Object.getOwnPropertyDescriptor(holder, name);
  console.log(JSON.stringify([
    module, name, method.name, method.length, typeof method[util.promisify.custom], String(method),
    Reflect.ownKeys(method).map(String).sort(), property.writable, property.enumerable, property.configurable,
    Object.keys(holder).indexOf(name), Object.getPrototypeOf(method) === Function.prototype,
    'prototype' in method && Object.isFrozen(method.prototype),
  ]));
}
console.log(JSON.parse.name, JSON.parse.length, 'prototype' in JSON.parse);
`;
    const app = lab.file('app.js', text);
    const run = await lab.expectSame(app);
    expect(run.stdout).toContain('\nparse 2 ');
    expect(run.stdout.split('\n').length).toBeGreaterThan(30);
  }),
);

it(
  'results, errors and `this` are the same',
  inLab(async (lab) => {
    const text = `
const fs = require('node:fs');
const { promisify } = require('node:util');
const { execSync, execFileSync, spawnSync, exec, execFile } = require('node:child_process');
const zlib = require('node:zlib');
const crypto = require('node:crypto');
const attempt = (name, run) => {
  try {
    console.log(name, JSON.stringify(run()));
  } catch (error) {
    console.log(name, 'throws', error.constructor.name, error.name, error.code, error.syscall, error.status, error.message, Object.keys(error).join());
  }
};
const large = JSON.stringify(Array.from({ length: 20000 }, (_, i) => ({ i })));
attempt('missing', () => fs.readFileSync('/no/such/file'));
attempt('no argument', () => fs.readFileSync());
attempt('detached', () => { const { readFileSync } = fs; return readFileSync(__filename, 'utf8').length; });
attempt('this', () => fs.readFileSync.call(undefined, __filename, { encoding: 'latin1' }).length);
attempt('with a reviver', () => JSON.parse('{"a":[1,2]}', function (key, value) { return Array.isArray(this) ? value * 2 : value; }));
attempt('large with a reviver', () => JSON.parse(large, function (key, value) { return key === 'i' ? -value : value; }).length + JSON.parse.length);
attempt('bad', () => JSON.parse('{"a":'));
attempt('large and bad', () => JSON.parse(large.slice(0, -1)));
attempt('large and good', () => JSON.parse(large).length);
attempt('large object', () => JSON.parse({ toString: () => large }).length);
attempt('nothing', () => JSON.parse());
attempt('null', () => JSON.parse(null));
attempt('as a callback', () => ['1', '2', '3'].map(JSON.parse));
attempt('constructor', () => new JSON.parse('1'));
attempt('exec', () => execSync('echo out', { encoding: 'utf8' }));
attempt('exec fails', () => execSync('exit 3', { stdio: 'ignore' }));
attempt('no program', () => execFileSync('/no/such/program'));
attempt('spawn', () => spawnSync('sh', ['-c', 'exit 5']).status);
attempt('zlib', () => zlib.gunzipSync(zlib.gzipSync('text')).toString());
attempt('bad zlib', () => zlib.gunzipSync(Buffer.from('text')));
attempt('pbkdf2', () => crypto.pbkdf2Sync('a', 'b', 10, 8, 'sha512').toString('hex'));
attempt('bad digest', () => crypto.pbkdf2Sync('a', 'b', 10, 8, 'none'));
attempt('getter in options', () => fs.readFileSync(__filename, { get encoding() { return JSON.parse('"utf8"'); } }).length);
const price = { style: 'currency', currency: 'EUR' };
attempt('formats', () => [new Date(0).toLocaleDateString('de', { weekday: 'long', timeZone: 'UTC' }), (1.5).toLocaleString('de', price), (1.5).toLocaleString()]);
attempt('bad options', () => (1.5).toLocaleString('de', { style: 'currency' }));
attempt('this of a format', () => Number.prototype.toLocaleString.call('1', 'de', price));
attempt('Intl', () => [Intl.NumberFormat('de', price).format(1), new Intl.NumberFormat('de') instanceof Intl.NumberFormat, Intl.Collator.supportedLocalesOf(['de'])]);
attempt('Intl class', () => { class Mine extends Intl.NumberFormat { twice(n) { return this.format(2 * n); } } const mine = new Mine('de'); return [mine.twice(1), mine instanceof Mine, mine instanceof Intl.NumberFormat, Mine.name]; });
attempt('Intl by Reflect', () => Reflect.construct(Intl.PluralRules, ['de'], Map) instanceof Map);
attempt('bad Intl', () => new Intl.NumberFormat('de', { style: 'currency' }));
attempt('no Intl', () => Intl.PluralRules('de'));
attempt('nested', () => JSON.parse(large, (key, value) => (key === '0' ? JSON.parse(large).length : value))[0]);
(async () => {
  console.log((await promisify(exec)('echo promised')).stdout, (await promisify(execFile)('echo', ['file'])).stdout);
  console.log(await promisify(fs.exists)(__filename), Object.keys(await promisify(fs.read)(fs.openSync(__filename), Buffer.alloc(4), 0, 4, 0)));
})();
`;
    const run = await lab.expectSame(lab.file('app.js', text));
    expect(run.stdout).toContain('missing throws Error Error ENOENT open');
    expect(run.stdout).toContain('large and bad throws SyntaxError');
  }),
);

it(
  'named imports of ES modules are the same functions as those of require',
  inLab(async (lab) => {
    const text = `
import { createRequire } from 'node:module';
import fs, { readFileSync, statSync } from 'node:fs';
import { execSync } from 'node:child_process';
import * as zlib from 'node:zlib';
import { pbkdf2Sync } from 'node:crypto';
const require = createRequire(import.meta.url);
console.log(readFileSync === require('fs').readFileSync, fs.readFileSync === readFileSync, execSync === require('child_process').execSync);
console.log(zlib.gzipSync === require('zlib').gzipSync, pbkdf2Sync === require('crypto').pbkdf2Sync);
console.log(readFileSync.name, readFileSync(new URL(import.meta.url), 'utf8').length, statSync(new URL(import.meta.url)).isFile());
`;
    const app = lab.file('app.mjs', text);
    for (const node of [
      ['-r', AGENT_CJS],
      ['--import', AGENT_MJS],
    ]) {
      const run = await lab.expectSame(app, { node });
      expect(run.stdout).toMatch(/^true true true\ntrue true\nreadFileSync \d+ true\n$/);
    }
  }),
);

it(
  'functions that others replace later stay replaced, and replaced ones can be put back',
  inLab(async (lab) => {
    const text = `
const fs = require('node:fs');
const original = fs.readFileSync;
fs.readFileSync = (...args) => 'mocked ' + args.length;
console.log(fs.readFileSync('x'));
fs.readFileSync = original;
console.log(fs.readFileSync === original, fs.readFileSync(__filename).length);
const parse = JSON.parse;
JSON.parse = function (text) { return ['mine', parse(text)]; };
console.log(JSON.parse('1'));
delete JSON.parse;
console.log(JSON.parse);
`;
    await lab.expectSame(lab.file('app.js', text));
  }),
);
