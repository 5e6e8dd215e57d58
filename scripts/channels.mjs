// Which diagnostics channels of servers a Node publishes to, as a table: node scripts/channels.mjs [PATH-OF-NODE …]
import { execFileSync } from 'node:child_process';

const CHANNELS = [
  'http.server.request.start',
  'http.server.response.finish',
  'http.server.response.created',
  'http2.server.stream.start',
  'http2.server.stream.close',
];

/** Runs in each Node: one request of each protocol. */
const PROGRAM = `
const { subscribe } = require('node:diagnostics_channel');
const seen = new Set();
for (const name of ${JSON.stringify(CHANNELS)}) subscribe(name, () => seen.add(name));
const http = require('node:http');
const http2 = require('node:http2');
const answer = (request, response) => response.end('ok');
const first = http.createServer(answer).listen(0, () => {
  http.get({ port: first.address().port, agent: false }, (response) => response.resume().on('end', () => first.close()));
});
const second = http2.createServer(answer).listen(0, () => {
  const session = http2.connect('http://localhost:' + second.address().port);
  session.request().resume().on('close', () => { session.close(); second.close(); });
});
process.on('exit', () => console.log(JSON.stringify({ version: process.version, seen: [...seen] })));
`;

const nodes = process.argv.length > 2 ? process.argv.slice(2) : [process.execPath];
const results = nodes.map((node) => JSON.parse(execFileSync(node, ['-e', PROGRAM], { encoding: 'utf8' })));
console.log(`| channel | ${results.map(({ version }) => version).join(' | ')} |`);
console.log(`| --- |${' --- |'.repeat(results.length)}`);
for (const name of CHANNELS) {
  console.log(`| \`${name}\` | ${results.map(({ seen }) => (seen.includes(name) ? 'yes' : '–')).join(' | ')} |`);
}
