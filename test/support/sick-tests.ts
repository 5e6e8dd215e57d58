/** Tests that leave something behind and tests that do not, for any runner: `TEST`, `AFTER_EACH` and `AFTER_ALL` stand for its functions. */

/** By the name of the test: what is said of it. `// here` marks the line that must be named. */
export const SICK: Record<string, { body: string; says: RegExp }> = {
  'leaves an interval': { body: 'setInterval(() => {}, 1000); // here', says: /interval of 1000 ms/ },
  'leaves a timer': { body: 'setTimeout(() => {}, 60_000); // here', says: /timer of 60000 ms/ },
  'leaves a timer of a promise': {
    body: "void require('node:timers/promises').setTimeout(60_000); // here",
    says: /timer of 60000 ms/,
  },
  'leaves a server': {
    body: "await new Promise((go) => require('node:http').createServer().listen(0, '127.0.0.1', go)); // here",
    says: /server on 127\.0\.0\.1/,
  },
  'leaves a socket': {
    body: "await require('node:events').once(require('node:net').connect(shared.port, '127.0.0.1'), 'connect'); // here",
    says: /socket to 127\.0\.0\.1/,
  },
  'leaves a UDP socket': {
    body: "await new Promise((go) => require('node:dgram').createSocket('udp4').bind(0, go)); // here",
    says: /UDP socket/,
  },
  'leaves a worker thread': {
    body: "await require('node:events').once(new (require('node:worker_threads').Worker)('setInterval(() => {}, 1e6)', { eval: true }), 'online'); // here",
    says: /worker/,
  },
  'leaves a child process': {
    body: "require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 60000)'], { env: {}, stdio: 'ignore' }); // here",
    says: /child process/,
  },
  'leaves a message port': {
    body: "new (require('node:worker_threads').MessageChannel)().port1.on('message', () => {}); // here",
    says: /message port/,
  },
  'leaves a watcher': { body: "require('node:fs').watch(__dirname); // here", says: /file watcher/ },
  'leaves a file': { body: "require('node:fs').openSync(__filename); // here", says: /file .*/ },
  'leaves a listener': {
    body: "shared.bus.on('change', () => {}); // here",
    says: /listener of 'change' on EventEmitter/,
  },
  'leaves a suspended call': {
    body: 'shared.kept.push((async () => { await new Promise((go) => shared.kept.push(go)); })()); // here',
    says: /suspended async call/,
  },
  'leaves a request': {
    body: "shared.kept.push(fetch('http://127.0.0.1:' + shared.port + '/').catch(() => {})); // here",
    says: /request GET http:\/\/127\.0\.0\.1/,
  },
  'blocks the loop': {
    body: 'for (const from = process.cpuUsage(); ; ) { const { user, system } = process.cpuUsage(from); if (user + system > 1_500_000) break; } // here',
    says: /blocked the event loop for .* \(limit 500 ms\)/,
  },
};

export const HEALTHY: Record<string, string> = {
  'closes what it opens': `
    const server = require('node:http').createServer((_, answer) => answer.end('x'));
    await new Promise((go) => server.listen(0, '127.0.0.1', go));
    await (await fetch('http://127.0.0.1:' + server.address().port)).text();
    await new Promise((go) => { server.close(go); server.closeAllConnections(); });`,
  'waits for a timer': 'await new Promise((go) => setTimeout(go, 20));',
  'leaves a timer that is over soon': 'setTimeout(() => {}, 50);',
  'leaves an unreferenced timer': 'setInterval(() => {}, 1000).unref();',
  'leaves an interval that afterEach stops': 'shared.each = setInterval(() => {}, 1000);',
  'leaves a server that afterAll closes': `
    shared.all = require('node:net').createServer();
    await new Promise((go) => shared.all.listen(0, '127.0.0.1', go));`,
  'resolves what it awaits': 'await Promise.all([1, 2, 3].map(async (n) => { await null; return n; }));',
  'ends its child process': `
    await require('node:events').once(require('node:child_process').spawn(process.execPath, ['-e', ''], { env: {} }), 'close');`,
};

interface Words {
  /** How a test begins: "test(NAME, async () => {". */
  test: string;
  head: string;
  beforeAll: string;
  afterEach: string;
  afterAll: string;
}

/** What tests share: a server in another process that never answers. */
const SHARED = (words: Words): string => `
const shared = { kept: [], bus: new (require('node:events').EventEmitter)(), port: 0, each: null, all: null, silent: null };
${words.beforeAll}(async () => {
  shared.silent = require('node:child_process').spawn(process.execPath, ['-e', "const s = require('net').createServer((c) => c.on('error', () => {})).listen(0, '127.0.0.1', () => console.log(s.address().port))"], { env: {}, stdio: ['ignore', 'pipe', 'inherit'] });
  shared.port = Number(String((await require('node:events').once(shared.silent.stdout, 'data'))[0]));
});
${words.afterEach}(() => clearInterval(shared.each));
${words.afterAll}(() => { shared.silent.kill(); });
`;

export function sickFile(words: Words): string {
  const tests = Object.entries(SICK).map(
    ([name, { body }]) => `${words.test.replace('NAME', `'${name}'`)}\n  ${body}\n});`,
  );
  // None of its hooks closes what tests leave: those at the end of the suite would have it reported there.
  const head = `${words.head}
const shared = { kept: [], bus: new (require('node:events').EventEmitter)(), port: Number(process.env.SILENT_PORT) };`;
  return `${head}\n${tests.join('\n')}\n`;
}

export function healthyFile(words: Words): string {
  const tests = Object.entries(HEALTHY).map(([name, body]) => `${words.test.replace('NAME', `'${name}'`)}${body}\n});`);
  return `${words.head}\n${SHARED(words)}\n${words.afterAll}(() => { shared.all?.close(); });\n${tests.join('\n')}\n`;
}

/** The 1-based line that must be named for that test. */
export function lineOf(file: string, name: string): number {
  const lines = file.split('\n');
  const from = lines.findIndex((line) => line.includes(`'${name}'`));
  return lines.findIndex((line, i) => i > from && line.endsWith('// here')) + 1;
}
