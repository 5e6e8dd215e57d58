import { describe, expect, test } from 'vitest';
import { classify, isLoading } from '../../agents/watchdog/stall/classify.ts';
import type { Frame, StallKind } from '../../src/recording/types.ts';

/** `function file:line`, innermost first; a name alone is a V8 built-in. */
function frames(...lines: string[]): Frame[] {
  return lines.map((line) => {
    const [, name, file, number] = /^(.*?)(?: (\S+):(\d+))?$/.exec(line)!;
    const category = !file ? 'native' : file.startsWith('node:') ? 'node' : categoryOf(file);
    return { function: name!, file: file ?? '', line: Number(number ?? 0), column: 1, category };
  });
}

function categoryOf(file: string): Frame['category'] {
  return file.includes('/node_modules/') ? 'dependency' : 'application';
}

const APP = 'handler /app/src/route.ts:12';
const ROUTER = 'next /app/node_modules/router/index.js:99';
const BELOW = [APP, ROUTER, 'emit node:events:519', 'parserOnIncoming node:_http_server:1069'];

const INNER: [kind: StallKind, above: string[]][] = [
  ['js-cpu', []],
  ['js-cpu', ['Array.sort']],
  ['js-cpu', ['sum /app/node_modules/lodash/sum.js:3']],
  ['js-cpu', ['emit node:events:519']],
  ['sync-sleep', ['Atomics.wait']],
  ['sync-child-process', ['spawnSync node:internal/child_process:1124', 'execSync node:child_process:950']],
  ['sync-fs', ['readFileSync node:fs:448']],
  ['sync-fs', ['readdirSync node:fs:1500', 'walk /app/node_modules/glob/walk.js:3']],
  ['sync-fs', ['cpSyncFn node:internal/fs/cp/cp-sync:50', 'cpSync node:fs:3000']],
  ['sync-crypto', ['pbkdf2Sync node:internal/crypto/pbkdf2:62']],
  ['sync-zlib', ['processChunkSync node:zlib:416', 'zlibBufferSync node:zlib:181']],
  [
    'sync-stdio',
    [
      'writeSync node:fs:927',
      '_write node:internal/fs/sync_write_stream:25',
      'log node:internal/console/constructor:301',
    ],
  ],
  ['sync-stdio', ['_write node:tty:100', 'Writable.write node:internal/streams/writable:510']],
  ['js-cpu', ['writeGeneric node:internal/stream_base_commons:151', '_write node:net:955']],
  [
    'js-cpu',
    ['writeGeneric node:internal/stream_base_commons:151', '_write node:net:955', 'send /app/node_modules/ws/s.js:9'],
  ],
  ['js-cpu', ['_writeGeneric node:net:900', '_writeRaw node:_http_outgoing:350', 'end node:_http_outgoing:1000']],
  ['sync-database', ['StatementSync.all']],
  ['sync-database', ['all /app/node_modules/better-sqlite3/lib/methods/wrappers.js:5']],
  ['json', ['JSON.parse']],
  ['json', ['JSON.stringify', 'json /app/node_modules/express/lib/response.js:239']],
  ['regexp', ['RegExp.exec']],
  ['regexp', ['RegExp: ^(a+)+$']],
  ['regexp', ['RegExpStringIterator.next']],
  ['regexp', ['String.match']],
  ['js-cpu', ['String.replace']],
  ['js-cpu', ['readFile node:fs:448', 'go /app/node_modules/glob/walk.js:3']],
  ['js-cpu', ['pbkdf2 node:internal/crypto/pbkdf2:50']],
  ['js-cpu', ['digest node:internal/crypto/hash:100', 'digest node:internal/crypto/webcrypto:60']],
  ['sync-crypto', ['update node:internal/crypto/hash:120']],
  ['js-cpu', ['zlibBuffer node:zlib:120', 'deflate node:zlib:780']],
];

describe('the kind is what the user’s line called, the place that line', () => {
  test.each(INNER)('%s: %j', (kind, above) => {
    const { kind: judged, location } = classify(frames(...above, ...BELOW));
    expect(judged).toBe(kind);
    expect(location).toEqual({ function: 'handler', file: '/app/src/route.ts', line: 12, column: 1 });
  });
});

/** `call` is the line of the handler, column 1; the rest of its file follows. */
const kindAt = (native: string, call: string, ...rest: string[]): StallKind =>
  classify(frames(...native.split(' < '), ...BELOW), () => [...Array(11).fill(''), call, ...rest]).kind;

describe('what the text of the call tells', () => {
  test.each([
    ['js-cpu', 'String.split', "text.split('_')"],
    ['js-cpu', 'String.split', 'text.split(SEPARATOR)', "const SEPARATOR = ';';"],
    ['js-cpu', 'String.split', 'text.split(separator)'],
    ['js-cpu', 'String.replaceAll', 'text.replaceAll(`x`, y).replace(/y/, z)'],
    ['js-cpu', 'Array.join', 'text.split(/_/).join()'],
    ['regexp', 'String.split', 'text.split(/_/)'],
    ['regexp', 'String.replace', "text.replace(new RegExp(given), '')"],
    ['regexp', 'String.replace', "text.replace( PATTERN, '')", 'const PATTERN = /(a+)+$/;'],
    ['regexp', 'String.replace', "text.replace(this.$pattern, '')", '  this.$pattern = new RegExp(given);'],
    ['regexp', 'String.replace', "text.replace(rules.space, '')", '  space: /\\s+$/,'],
    ['sync-stdio', 'writeGeneric node:internal/stream_base_commons:151', 'process.stdout.write(line)'],
    ['js-cpu', 'writeGeneric node:internal/stream_base_commons:151', 'socket.write(line)'],
  ] as const)('%s: %s of %s', (kind, native, call, ...rest) => {
    expect(kindAt(native, call, ...rest)).toBe(kind);
  });
});

describe('the place', () => {
  test('is the innermost of the user’s own frames', () => {
    const stack = frames('JSON.parse', 'inner /app/a.js:1', 'map /app/node_modules/x/i.js:2', 'outer /app/b.js:3');
    expect(classify(stack).location).toMatchObject({ file: '/app/a.js', line: 1 });
  });

  test('is the innermost dependency where there is nothing else', () => {
    const stack = frames(
      'inflate /app/node_modules/pako/i.js:7',
      'emit node:events:519',
      'other /app/node_modules/y/i.js:1',
    );
    expect(classify(stack)).toMatchObject({
      kind: 'js-cpu',
      location: { file: '/app/node_modules/pako/i.js', line: 7 },
    });
  });

  test('is nowhere where only Node is on the stack', () => {
    expect(classify(frames('readFileSync node:fs:448', 'run node:internal/x:1'))).toEqual({
      kind: 'sync-fs',
      location: null,
    });
    expect(classify([])).toEqual({ kind: 'js-cpu', location: null });
  });
});

const LOADER = ['Module._compile node:internal/modules/cjs/loader:1500', 'require node:internal/modules/helpers:150'];

describe('loading modules', () => {
  test('in a handler is the line that called require', () => {
    const stack = frames('readFileSync node:fs:448', 'top /app/node_modules/big/index.js:1', ...LOADER, ...BELOW);
    expect(classify(stack)).toMatchObject({ kind: 'module-load', location: { file: '/app/src/route.ts', line: 12 } });
    expect(isLoading(stack)).toBe(false);
  });

  test('at start-up is known as such, and work at the top level is judged by itself', () => {
    const stack = frames('JSON.parse', ' /app/main.js:3', ...LOADER, 'run node:internal/main/run_main_module:36');
    expect(isLoading(stack)).toBe(true);
    expect(classify(stack)).toMatchObject({ kind: 'json', location: { file: '/app/main.js', line: 3 } });
  });

  test('from the main file is the line of the main file that required it', () => {
    const stack = frames('fib /app/lib.js:2', ' /app/lib.js:9', ...LOADER, ' /app/main.js:1', ...LOADER);
    expect(isLoading(stack)).toBe(true);
    expect(classify(stack)).toMatchObject({ kind: 'module-load', location: { file: '/app/main.js', line: 1 } });
  });
});
