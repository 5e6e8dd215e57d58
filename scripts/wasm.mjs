// Compiles src/heap/scan.wat into src/heap/scan-module.ts, which is checked in: nobody who builds or tests needs the assembler.
import { readFileSync, writeFileSync } from 'node:fs';
import loadWabt from 'wabt';

const SOURCE = new URL('../src/heap/scan.wat', import.meta.url);
const TARGET = new URL('../src/heap/scan-module.ts', import.meta.url);
const LINE = 100;

const { parseWat } = await loadWabt();
const { buffer } = parseWat('scan.wat', readFileSync(SOURCE, 'utf8'), { simd: true }).toBinary({});
const base64 = Buffer.from(buffer).toString('base64');
const lines = base64.match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
const text = `/** scan.wat, compiled by \`npm run wasm\`; base64. */\nexport const SCAN_MODULE =\n${lines.map((line) => `  '${line}'`).join(' +\n')};\n`;
if (process.argv[2] === '--print') process.stdout.write(text);
else writeFileSync(TARGET, text);
