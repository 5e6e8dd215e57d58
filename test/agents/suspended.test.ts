import { join } from 'node:path';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { callsIn, countsByPlace, dumpOf, markedPlaces, threadOf } from '../support/dump.ts';
import { complaints, inLab } from '../support/run-agent.ts';

/** Every way of waiting. A mark like /*3*\/ stands where so many calls are suspended. */
const WAYS = `
const { EventEmitter, on, once } = require('node:events');
const { PassThrough, Readable } = require('node:stream');
const { finished, pipeline } = require('node:stream/promises');
const timers = require('node:timers/promises');

const keep = [];
globalThis.keep = keep;
const gate = () => new Promise((resolve) => keep.push(resolve));
const kept = (object) => { keep.push(object); return object; };
const times = (n, make) => { for (let i = 0; i < n; i++) keep.push(make()); };
const emitter = new EventEmitter();

async function plain() { /*7*/await gate(); }
times(7, plain);
const arrow = async () => { /*2*/await gate(); };
times(2, arrow);
const expression = async () => /*3*/await gate();
times(3, expression);
times(1, async () => { /*1*/await gate(); });
class Store {
  async method() { /*2*/await gate(); }
  static async fixed() { /*1*/await gate(); }
  async #hidden() { /*1*/await gate(); }
  open() { return this.#hidden(); }
  field = async () => { /*1*/await gate(); };
}
const store = new Store();
times(2, () => store.method());
times(1, Store.fixed);
times(1, () => store.open());
times(1, store.field);
const object = { async inObject() { /*1*/await gate(); } };
times(1, () => object.inObject());

async function all() { /*2*/await Promise.all([gate(), gate(), gate()]); }
times(2, all);
async function allOfCalls() { /*1*/await Promise.all([element(), element()]); }
async function element() { /*2*/await gate(); }
times(1, allOfCalls);
async function any() { /*2*/await Promise.any([gate(), gate()]); }
times(2, any);
async function race() { /*2*/await Promise.race([gate(), gate(), gate(), gate()]); }
times(2, race);
async function settled() { /*2*/await Promise.allSettled([gate(), gate()]); }
times(2, settled);

async function chained() { /*2*/await gate().then((x) => x).catch(() => {}).finally(() => {}); }
times(2, chained);
async function returning() { return below(); }
async function below() { /*2*/await gate(); }
times(2, returning);
async function above() { /*3*/await middle(); }
async function middle() { /*3*/await lowest(); }
async function lowest() { /*3*/await gate(); }
times(3, above);
async function twice(second) { if (second) { /*2*/await gate(); } else { /*3*/await gate(); } }
times(3, () => twice(false));
times(2, () => twice(true));
async function guarded() { try { /*1*/await gate(); } finally { await 0; } }
times(1, guarded);
async function down(n) { if (n > 0) /*4*/await down(n - 1); else /*1*/await gate(); }
times(1, () => down(4));

async function event() { /*2*/await once(emitter, 'x'); }
times(2, event);
async function events() { for await (const /*2*/x of on(emitter, 'x')) x; }
times(2, events);
async function sleeping() { /*2*/await timers.setTimeout(1e6); }
times(2, sleeping);
async function ticking() { for await (const /*1*/x of timers.setInterval(1e6)) x; }
times(1, ticking);
async function reading(stream) { for await (const /*2*/x of stream) x; }
times(2, () => reading(kept(new Readable({ read() {} }))));
async function piping() { /*1*/await pipeline(kept(new Readable({ read() {} })), new PassThrough()); }
times(1, piping);
async function finishing(stream) { /*1*/await finished(stream); }
times(1, () => finishing(kept(new PassThrough())));

async function* numbers() { yield 1; /*2*/await gate(); yield 2; }
async function consuming() { for await (const /*2*/n of numbers()) n; }
times(2, consuming);
async function* delegating() { /*1*/yield* numbersOnce(); }
async function* numbersOnce() { /*1*/await gate(); }
async function consumingBoth() { for await (const /*1*/n of delegating()) n; }
times(1, consumingBoth);
async function ofPromises() { for await (const /*1*/x of [gate(), gate()]) x; }
times(1, ofPromises);
async function* asked() { /*1*/await gate(); }
const generator = asked();
times(3, () => generator.next());

async function thenable() { /*2*/await { then(resolve) { keep.push(resolve); } }; }
times(2, thenable);
class Deferred extends Promise {}
async function subclass() { /*2*/await new Deferred((resolve) => keep.push(resolve)); }
times(2, subclass);
async function ofSubclass() { /*2*/await Deferred.race([gate(), gate()]); }
times(2, ofSubclass);

const ready = gate();
async function sharing() { /*5*/await ready; }
times(5, sharing);
async function sharingAlso() { const text = 'await ' + \`\${/await/.source}\`; /*1*/await ready; return text; } // await
times(1, sharingAlso);
const sharedCall = plain2();
async function plain2() { /*1*/await gate(); }
async function ofSharedCall() { /*2*/await sharedCall; }
times(2, ofSharedCall);

setTimeout(() => console.log('ready'), 100);
setInterval(() => {}, 1e6);
`;

describe('a full dump counts each suspended call once, at its await', () => {
  test(
    'in every way of waiting',
    inLab(async (lab) => {
      const file = lab.file('ways.cjs', WAYS);
      const program = lab.start(file);
      await Promise.all([program.until('stdout', 'ready'), program.watched()]);
      const dump = await dumpOf(program.pid);
      const calls = callsIn(dump, file);
      expect(countsByPlace(calls)).toEqual(markedPlaces(WAYS));
      expect(calls.filter(({ exact }) => !exact)).toEqual([]);

      const chainOf = (name: string): string[] =>
        calls.find((call) => call.function === name)!.awaitedBy.map((frame) => frame.function);
      expect(chainOf('lowest')).toEqual(['middle', 'above']);
      expect(chainOf('element')).toEqual(['allOfCalls']);
      program.kill('SIGTERM');
      expect(complaints(await program.ended)).toEqual([]);
    }),
  );
});
