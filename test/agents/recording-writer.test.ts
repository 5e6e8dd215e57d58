import { closeSync, mkdtempSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readRecording } from '../../src/recording/reader.ts';
import { rowsOf } from '../../src/recording/types.ts';
import { openRecording } from '../../src/recording/writer.ts';
import { header, tempFolder } from '../support/recording.ts';

const ROW = { type: 'agent-error', message: 'x'.repeat(5000) } as const;

test('however often the older chunk goes away, kept and dropped rows are all the rows', () => {
  const folder = join(tempFolder(), 'main-1');
  const writer = openRecording(folder, header, 1e6, () => {});
  for (let t = 0; t < 2000; t++) writer.write({ t, ...ROW }, true);
  writer.close();
  expect(writer.bytesWritten()).toBeGreaterThan(5e6);
  const [recording] = readRecording(folder);
  const kept = rowsOf(recording!, 'agent-error').length;
  expect(kept).toBeGreaterThan(50);
  expect(kept + recording!.droppedRows).toBe(2000);
});

test('a folder that goes away costs rows, and no descriptor but its own', () => {
  const root = tempFolder();
  const folder = join(root, 'main-1');
  const said: string[] = [];
  const writer = openRecording(folder, header, 1e6, (message) => said.push(message));
  rmSync(folder, { recursive: true });
  const own: number[] = [];
  for (let t = 0; t < 400; t++) {
    writer.write({ t, ...ROW }, true);
    if (t % 10 === 0) own.push(openSync(join(root, `own-${t}`), 'w'));
  }
  for (const file of own) expect(writeSync(file, 'own')).toBe(3);
  for (const file of own) closeSync(file);
  expect(said).toEqual([expect.stringMatching(/^the recording cannot be written \(ENOENT\)/)]);
});

test('a folder that comes back is written again, and the loss is counted', () => {
  const root = tempFolder();
  const folder = join(root, 'main-1');
  const writer = openRecording(folder, header, 1e6, () => {});
  const away = mkdtempSync(join(root, 'away-'));
  for (let t = 0; t < 300; t++) {
    if (t === 90) renameSync(folder, join(away, 'main-1'));
    if (t === 150) renameSync(join(away, 'main-1'), folder);
    writer.write({ t, ...ROW }, true);
  }
  writer.close();
  const [recording] = readRecording(folder);
  const kept = rowsOf(recording!, 'agent-error').length;
  expect(recording!.droppedRows).toBeGreaterThan(0);
  expect(kept + recording!.droppedRows).toBe(300);
  expect(rowsOf(recording!, 'agent-error').at(-1)?.t).toBe(299);
});
