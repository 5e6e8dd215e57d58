import { once } from 'node:events';
import { createWriteStream, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { appendFile, open, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { watched } from './measured.ts';
import type { Program } from './types.ts';

const LINE = `${'a line of a log, as long as they are '.repeat(2)}\n`;

/** Writes the same lines to a file in the folder for temporary files. */
export const fileWrites: Program = async (way, { lines = 0 }) => {
  const write = ways[way];
  if (!write) throw new Error(`there is no way ${way}`);
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-lab-'));
  // Also where the lab is stopped.
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'lines');
  return watched(async () => {
    await write(file, lines);
    const { size } = statSync(file);
    if (size !== lines * LINE.length) throw new Error(`${size} of ${lines * LINE.length} bytes were written`);
    return { resultCount: lines };
  });
};

const ways: Readonly<Record<string, (file: string, lines: number) => Promise<void>>> = {
  /** Opens and closes the file for each line. */
  async 'awaited-append'(file, lines) {
    for (let i = 0; i < lines; i++) await appendFile(file, LINE);
  },
  async 'awaited-write'(file, lines) {
    const handle = await open(file, 'w');
    for (let i = 0; i < lines; i++) await handle.write(LINE);
    await handle.close();
  },
  async 'sync-write'(file, lines) {
    const descriptor = openSync(file, 'w');
    for (let i = 0; i < lines; i++) writeSync(descriptor, LINE);
  },
  async stream(file, lines) {
    const stream = createWriteStream(file);
    for (let i = 0; i < lines; i++) if (!stream.write(LINE)) await once(stream, 'drain');
    stream.end();
    await finished(stream);
  },
  async 'one-write'(file, lines) {
    await writeFile(file, LINE.repeat(lines));
  },
};
