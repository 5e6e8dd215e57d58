import { join } from 'node:path';
import { InputError } from '../../src/util/input-error.ts';
import { chance, mutatedBytes, mutatedJson } from './mutate.ts';
import { emptied, type FuzzedReader } from './readers.ts';

export interface FuzzResult {
  read: number;
  refused: number;
  /** What neither gave a result nor said in one sentence what is wrong; the numbers that make it again. */
  wrong: { seed: number; why: string; input: string }[];
  /** Of CPU: the clock would count what else the machine does. */
  slowestMs: number;
}

/** A sentence or a few on one line. */
const SENTENCE = /^[^\n]{10,9000}$/;
const MAX_WRONG = 5;

/** So many inputs, each made from a number of its own. */
export async function fuzz(
  reader: FuzzedReader,
  count: number,
  firstSeed: number,
  folder: string,
): Promise<FuzzResult> {
  const result: FuzzResult = { read: 0, refused: 0, wrong: [], slowestMs: 0 };
  for (let seed = firstSeed; seed < firstSeed + count && result.wrong.length < MAX_WRONG; seed++) {
    const random = chance(seed);
    const { content, isJson } = random.pick(reader.seeds);
    const asValue = isJson && random.below(4) > 0;
    const input = asValue ? Buffer.from(mutatedJson(content.toString(), random)) : mutatedBytes(content, random);
    const before = process.cpuUsage();
    try {
      await reader.read(emptied(join(folder, 'input')), input, random);
      result.read++;
    } catch (error) {
      result.refused++;
      const isReported = error instanceof InputError && SENTENCE.test(error.message);
      if (!isReported)
        result.wrong.push({ seed, why: String((error as Error).stack), input: input.toString().slice(0, 500) });
    }
    const { user, system } = process.cpuUsage(before);
    result.slowestMs = Math.max(result.slowestMs, (user + system) / 1000);
  }
  return result;
}
