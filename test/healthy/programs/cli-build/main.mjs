// A build tool as most are: reads a file, works on it for a tenth of a second or more, writes it, takes the next.
// Its main thread is blocked most of the time, and nobody waits for it.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';

function* tokensOf(text) {
  for (const { 0: token } of text.matchAll(/[A-Za-z_$][\w$]*|\d+|[^\s]/g)) yield token;
}

/** Renames what is local and drops white space. */
function minify(text) {
  const names = new Map([
    ['first', 'a'],
    ['second', 'b'],
  ]);
  let output = '';
  let last = '';
  for (const token of tokensOf(text)) {
    const short = names.get(token) ?? token;
    if (/\w$/.test(last) && /^\w/.test(short)) output += ' ';
    output += short;
    last = short;
  }
  return output;
}

await mkdir('built');
const files = await readdir('source');
let savedBytes = 0;
for (const file of files) {
  const text = await readFile(`source/${file}`, 'utf8');
  const small = minify(text);
  savedBytes += text.length - small.length;
  await writeFile(`built/${file}`, small);
}
console.log(`did ${files.length} files, saved ${savedBytes} bytes`);
