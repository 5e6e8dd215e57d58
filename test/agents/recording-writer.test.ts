import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { OLDER_FILE, RECORDING_FILE } from '../../src/recording/paths.ts';
import { readRecording } from '../../src/recording/reader.ts';
import { type Recording, rowsOf } from '../../src/recording/types.ts';
import { openRecording } from '../../src/recording/writer.ts';
import { makeFolders } from '../../src/util/make-folders.ts';
import { header, tempFolder } from '../support/recording.ts';

/** Some 200 of them fill half of the bound. */
const ROW = { type: 'agent-error', message: 'x'.repeat(2500) } as const;
const MAX_BYTES = 1e6;

interface Fault {
  folder: string;
  file: string;
  older: string;
}

/** Writes rows 0 to `count`; at the row of that number something happens. What the recording says afterwards. */
function write(count: number, at: Record<number, (fault: Fault) => void>) {
  const root = tempFolder();
  const folder = join(root, 'family', 'main-1');
  const fault = { folder, file: join(folder, RECORDING_FILE), older: join(folder, OLDER_FILE) };
  const said: string[] = [];
  const writer = openRecording(folder, header, MAX_BYTES, (message) => said.push(message));
  writer.flush();
  for (let t = 0; t < count; t++) {
    at[t]?.(fault);
    writer.write({ t, ...ROW }, true);
  }
  writer.close();
  const [recording] = readRecording(folder);
  return { ...fault, root, said, ...figures(recording!) };
}

function figures(recording: Recording) {
  const kept = rowsOf(recording, 'agent-error').map(({ t }) => t);
  const reasons = Object.fromEntries(rowsOf(recording, 'dropped').map(({ why }) => [why, 0]));
  for (const { rows, why } of rowsOf(recording, 'dropped')) reasons[why]! += rows;
  return { kept, dropped: recording.droppedRows, reasons, skipped: recording.skippedLines };
}

const UNWRITTEN = 'the recording could not be written';
const REMOVED = 'its file was removed, moved or cut while it was written';

test('however often the older chunk goes away, kept and dropped rows are all the rows, within the bound', () => {
  const { kept, dropped, reasons, said, folder } = write(3000, {});
  expect(kept.length).toBeGreaterThan(150);
  expect(kept.length + dropped).toBe(3000);
  expect(Object.keys(reasons)).toEqual(['the recording reached its limit (EVDIAG_MAX_MB)']);
  expect(said).toEqual([]);
  expect(bytesIn(folder)).toBeLessThan(MAX_BYTES);
});

function bytesIn(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
}

describe('what fails is done later, from the step that failed', () => {
  const inTheWay = ({ file }: Fault): void => mkdirSync(file);

  test('the file was renamed, and the next one cannot be made', () => {
    // A folder of that name stands for whatever fails between the two steps.
    const { kept, dropped, said } = write(400, {
      190: ({ file, older }) => {
        renameSync(file, older);
        inTheWay({ file } as Fault);
      },
      250: ({ file }) => rmSync(file, { recursive: true }),
    });
    expect(kept.length + dropped).toBe(400);
    expect(kept.slice(-200)).toEqual(Array.from({ length: 200 }, (_, i) => 200 + i));
    expect(said.length).toBeLessThanOrEqual(2);
  });

  test.skipIf(process.platform === 'win32')('no file descriptor was left at the start and at a rotation', () => {
    const { kept, dropped, said } = writeIn(
      'ulimit -n 64',
      `takeAll(); write(50); giveBack(); write(100); takeAll(); write(200); giveBack(); write(50);`,
    );
    expect(kept).toEqual(Array.from({ length: 400 - dropped }, (_, i) => i + dropped));
    expect(kept.length).toBeGreaterThan(200);
    expect(said[0]).toMatch(/^no recording yet: .* \(EMFILE, the process has no file descriptor left\)/);
  });

  test.skipIf(process.platform !== 'linux')(
    'no room: half a line is written to its end when there is room again',
    () => {
      // The system's limit of a file's size fails as a full disk does, in the middle of a line.
      const { kept, dropped, skipped, said } = writeIn('ulimit -S -f 100', `write(150); lift(); write(50);`);
      expect({ kept, dropped, skipped }).toEqual({
        kept: Array.from({ length: 200 }, (_, i) => i),
        dropped: 0,
        skipped: 0,
      });
      expect(said).toEqual([expect.stringMatching(/^the recording cannot be written \(EFBIG\); rows wait/)]);
    },
  );

  test.skipIf(process.getuid?.() === 0)('a folder that is read-only for a while', () => {
    const { kept, dropped, said } = write(600, {
      150: ({ folder }) => chmodSync(folder, 0o500),
      350: ({ folder }) => chmodSync(folder, 0o700),
    });
    expect(kept.length + dropped).toBe(600);
    expect(kept.at(-1)).toBe(599);
    expect(said).toEqual([expect.stringContaining('EACCES')]);
  });

  test('rows wait up to a bound, the oldest are dropped and counted', () => {
    const { kept, dropped, reasons, said } = write(3000, {
      0: ({ file }) => {
        unlinkSync(file);
        mkdirSync(file);
      },
      2000: ({ file }) => rmSync(file, { recursive: true }),
    });
    expect(kept.length + dropped).toBe(3000);
    expect(reasons[UNWRITTEN]).toBeGreaterThan(1000);
    expect(kept.at(-1)).toBe(2999);
    expect(said).toEqual([
      expect.stringMatching(
        /^the recording cannot be written \(EEXIST\); rows wait in memory until it can, and the oldest/,
      ),
    ]);
  });
});

describe('what somebody does to the file while it is written', () => {
  test.each<[string, (fault: Fault) => void]>([
    ['removes it', ({ file }) => unlinkSync(file)],
    ['removes its folder', ({ folder }) => rmSync(folder, { recursive: true })],
    ['removes the whole family', ({ folder }) => rmSync(join(folder, '..'), { recursive: true })],
    ['moves it', ({ file }) => renameSync(file, `${file}.bak`)],
    ['moves its folder', ({ folder }) => renameSync(folder, `${folder}.bak`)],
    ['cuts it to nothing', ({ file }) => truncateSync(file)],
    ['cuts it in the middle', ({ file }) => truncateSync(file, 100_123)],
    ['puts another file in its place', ({ file }) => renameSync(write(3, {}).file, file)],
  ])('%s: it goes on in a new one, and the loss is counted', (_, harm) => {
    const { kept, dropped, reasons, said, skipped } = write(500, { 100: harm });
    expect(kept.at(-1)).toBe(499);
    expect(kept.length + dropped).toBeGreaterThanOrEqual(500);
    expect(kept.length + dropped).toBeLessThanOrEqual(505);
    expect(reasons[REMOVED]).toBeGreaterThan(0);
    expect(skipped).toBeLessThanOrEqual(1);
    expect(said.length).toBeLessThanOrEqual(1);
  });

  test('a link or a folder in its place is never followed, written or removed', () => {
    const root = tempFolder();
    const victim = join(root, 'victim');
    writeFileSync(victim, 'precious');
    const { kept } = write(500, {
      100: ({ file }) => {
        unlinkSync(file);
        symlinkSync(victim, file);
      },
      300: ({ file }) => unlinkSync(file),
    });
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(kept.at(-1)).toBe(499);
  });

  test('a program that closes every descriptor and takes the numbers keeps its own files', () => {
    const root = tempFolder();
    const own = join(root, 'own');
    let taken = -1;
    const { kept, dropped } = write(250, {
      100: ({ file }) => {
        const { ino } = openAndStat(file);
        for (let fd = 3; fd < 200 && taken < 0; fd++) {
          if (inodeOf(fd) !== ino) continue;
          closeSync(fd);
          taken = openSync(own, 'w');
        }
      },
    });
    expect(taken).toBeGreaterThan(0);
    expect(writeSync(taken, 'own')).toBe(3);
    closeSync(taken);
    expect(readFileSync(own, 'utf8')).toBe('own');
    expect({ kept: kept.length, dropped }).toEqual({ kept: 250, dropped: 0 });
  });
});

function openAndStat(file: string): { ino: number } {
  const fd = openSync(file, 'r');
  const { ino } = fstatSync(fd);
  closeSync(fd);
  return { ino };
}

function inodeOf(fd: number): number | null {
  try {
    return fstatSync(fd).ino;
  } catch {
    return null;
  }
}

test('folders are made level by level, and whoever was quicker does no harm', () => {
  const root = tempFolder();
  const deep = join(root, 'a/b/c/d');
  makeFolders(deep);
  makeFolders(deep);
  expect(readdirSync(join(root, 'a/b/c'))).toEqual(['d']);
  // A folder that the system never lets be made, though the one above is there: Node's own way would not return.
  expect(() => makeFolders('/proc/self/fd/nowhere/deeper')).toThrow('ENOENT');
});

/** Runs a writer in a process of its own, under a limit of the shell. */
function writeIn(limit: string, does: string) {
  const root = tempFolder();
  const program = `
import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { openRecording } from ${JSON.stringify(join(import.meta.dirname, '../../src/recording/writer.ts'))};
const taken = [];
const takeAll = () => { try { for (;;) taken.push(openSync('/dev/null')); } catch {} };
const giveBack = () => { for (const file of taken.splice(0)) closeSync(file); };
const lift = () => execFileSync('prlimit', ['--pid', String(process.pid), '--fsize=unlimited']);
const said = [];
const writer = openRecording(process.argv[2], ${JSON.stringify(header)}, 1e6, (message) => said.push(message));
let t = 0;
const write = (count) => {
  for (let i = 0; i < count; i++) writer.write({ t: t++, type: 'agent-error', message: 'x'.repeat(2500) }, true);
};
${does}
writer.close();
console.log(JSON.stringify(said));
`;
  const script = join(root, 'program.mjs');
  writeFileSync(script, bundled(program, root));
  const out = join(root, 'main-1');
  const said = execFileSync('bash', ['-c', `${limit}; exec "$0" "$@"`, process.execPath, script, out], {
    encoding: 'utf8',
  });
  return { said: JSON.parse(said) as string[], ...figures(readRecording(out)[0]!) };
}

/** The program as one file that any Node runs. */
function bundled(text: string, folder: string): string {
  const entry = join(folder, 'entry.ts');
  writeFileSync(entry, text);
  const esbuild = join(import.meta.dirname, '../../node_modules/.bin/esbuild');
  return execFileSync(esbuild, [entry, '--bundle', '--format=esm', '--platform=node'], { encoding: 'utf8' });
}
