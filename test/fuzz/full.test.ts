import { expect, test } from 'vitest';
import { tempFolder } from '../support/recording.ts';
import { fuzz } from './fuzz.ts';
import { READERS } from './readers.ts';

/** Another one each time; the same with FUZZ_SEED. */
const SEED = Number(process.env.FUZZ_SEED ?? Date.now() % 1e9);
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 100_000);

test.each(READERS)('$name', { timeout: 3 * 3600_000 }, async (reader) => {
  const result = await fuzz(reader, Math.ceil(INPUTS / READERS.length), SEED, tempFolder());
  const { wrong, read, refused, slowestMs } = result;
  console.log(
    `${reader.name}: ${read} read, ${refused} refused, at most ${Math.round(slowestMs)} ms of CPU (FUZZ_SEED=${SEED})`,
  );
  expect(wrong, `FUZZ_SEED=${SEED}`).toEqual([]);
  // Small inputs: what takes so long hangs.
  expect(slowestMs).toBeLessThan(30_000);
});
