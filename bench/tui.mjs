// What a frame of the terminal UI costs, at 120 × 40 on a real terminal: npm run bench:tui. See README.md.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { spawn } from '@lydell/node-pty';
import { build } from 'esbuild';

const PROGRAM = fileURLToPath(new URL('programs/tui-frames.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BAR_MS = 6;

const folder = mkdtempSync(join(tmpdir(), 'evdiag-bench-'));
try {
  // Beside node_modules, where its packages are found.
  const outfile = join(ROOT, 'dist/bench-tui.mjs');
  await build({ entryPoints: [PROGRAM], outfile, bundle: true, platform: 'node', format: 'esm', packages: 'external' });
  const output = join(folder, 'results.json');
  const pty = spawn(process.execPath, [outfile, output], { name: 'xterm-256color', cols: 120, rows: 40, cwd: ROOT });
  const { exitCode, text } = await new Promise((resolve) => {
    let text = '';
    pty.onData((data) => {
      text = (text + data).slice(-4000);
    });
    pty.onExit(({ exitCode }) => resolve({ exitCode, text }));
  });
  rmSync(outfile, { force: true });
  if (exitCode !== 0) throw new Error(`it ended with ${exitCode}:\n${text}`);
  /** @param {number} value */
  const ms = (value) => value.toFixed(2).padStart(10);
  console.log(`CPU in ms of a frame at 120 × 40, median; Node ${process.version}; the bar is ${BAR_MS} ms\n`);
  console.log(
    `${'table'.padEnd(12)} ${'tab'.padEnd(9)}      first   new rows      a key  unchanged   longest wait of a key`,
  );
  for (const { name, tab, first, newRows, key, unchanged, longest } of JSON.parse(readFileSync(output, 'utf8'))) {
    console.log(
      `${name.padEnd(12)} ${tab.padEnd(9)} ${ms(first)} ${ms(newRows)} ${ms(key)} ${ms(unchanged)} ${ms(longest)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
