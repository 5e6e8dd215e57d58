import { expect, test } from 'vitest';
import { tempFolder } from '../support/recording.ts';
import { fuzz } from './fuzz.ts';
import { READERS } from './readers.ts';

/** FUZZ_SEED=… makes the inputs of another run, FUZZ_INPUTS=… more of them. */
const SEED = Number(process.env.FUZZ_SEED ?? 1);
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 3000);

test.each(READERS)('inputs that are nearly right: $name', async (reader) => {
  const { wrong, read, refused } = await fuzz(reader, Math.ceil(INPUTS / READERS.length), SEED, tempFolder());
  expect(wrong, `FUZZ_SEED=${SEED}`).toEqual([]);
  expect(read + refused).toBeGreaterThan(0);
});
