/** Ten programs that do not end; `// here` marks the line that a person has to change. */

/** What a database client does: it awaits something before it connects. */
export const LATER_DB = `
const net = require('node:net');
exports.connect = async function connect(port) {
  await null;
  await new Promise((resolve) => setTimeout(resolve, 10));
  return net.connect(port, 'localhost').on('data', () => {});
};
`;

/** A server in another process, so that it is not what the program hangs on; its port is in PORT. */
export const SILENT_SERVER = `
const server = require('node:net').createServer((socket) => socket.on('error', () => {}));
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

export const SHAPES: Record<string, string> = {
  'an interval': `
setInterval(() => {}, 1000); // here
`,
  'an HTTP server': `
const server = require('node:http').createServer();
server.listen(0, '127.0.0.1'); // here
`,
  'a connection that a package opens later': `
const db = require('later-db');
async function main() {
  await db.connect(process.env.PORT); // here
}
main();
`,
  'a fetch without an answer': `
fetch('http://127.0.0.1:' + process.env.PORT + '/'); // here
`,
  'a child process': `
require('node:child_process').spawn(process.execPath, ['-e', 'setTimeout(() => {}, 20000)'], { env: {}, stdio: 'ignore' }); // here
`,
  'a worker thread': `
const { Worker } = require('node:worker_threads');
new Worker('setInterval(() => {}, 1e6)', { eval: true }); // here
`,
  'a message port': `
const { port1 } = new MessageChannel(); // here
port1.onmessage = () => {};
`,
  'a watcher of files': `
require('node:fs').watch(__dirname); // here
`,
  'a read that does not end': `
require('node:fs').readFile('/dev/ptmx', () => {}); // here
`,
  'a timer that is awaited': `
async function main() {
  await require('node:timers/promises').setTimeout(3_600_000); // here
}
main();
`,
};
