import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** A reply to a reply to a reply … as a hostile client sends it. */
interface Comment {
  id: number;
  reply: Comment | null;
}

const LEVELS = 10_000;
/** About 20 ms per request. */
const THREADS = 8;
/** Three frames each, all of them on one stack, which still is less than half of what Node allows. */
const HOOKS = 1000;
const ROUNDS = 100;
const thread = Array.from({ length: LEVELS }).reduce<Comment | null>((reply, _, id) => ({ id, reply }), null);

let atLeaf = () => {};

/** Every level waits for the one below: 10 000 suspended calls, promises and contexts at once. */
// biome-ignore format: the mark ends the line it means
async function countReplies(comment: Comment): Promise<number> { // guilty
  const reply = await replyTo(comment); // guilty
  if (reply !== null) return 1 + (await countReplies(reply)); // guilty
  atLeaf();
  return 0;
}

const replyTo = async (comment: Comment): Promise<Comment | null> => comment.reply; // guilty

/** Hooks that call the next one before they return: the stack grows with every one of them. */
// biome-ignore format: the mark ends the line it means
function runHooksNested(i: number, sum: number, done: (sum: number) => void): void { // guilty
  if (i === HOOKS) done(sum);
  else checkSum(i, (part) => runHooksNested(i + 1, sum + part, done)); // guilty
}

function checkSum(seed: number, done: (sum: number) => void): void {
  let sum = seed;
  for (let i = 0; i < ROUNDS; i++) sum = (sum * 31 + i) | 0; // guilty
  done(sum); // guilty
}

async function showNested(): Promise<string> {
  let replies = 0;
  for (let i = 0; i < THREADS; i++) replies += await countReplies(thread!);
  const sum = await new Promise<number>((resolve) => runHooksNested(0, 0, resolve));
  return `${replies} ${sum}`;
}

async function showInLoops(): Promise<string> {
  let replies = 0;
  for (let i = 0; i < THREADS; i++) {
    for (let comment = thread!; comment.reply !== null; comment = comment.reply) replies++;
    atLeaf();
  }
  let sum = 0;
  const add = (part: number) => {
    sum += part;
  };
  for (let i = 0; i < HOOKS; i++) checkSum(i, add);
  return `${replies} ${sum}`;
}

/** What each level holds while the deepest one runs; garbage is collected first, as only what is needed counts. */
async function bytesPerLevel(show: () => Promise<string>): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const heapBytes = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  const bytesBefore = heapBytes();
  let bytesAtLeaf = 0;
  atLeaf = () => {
    bytesAtLeaf ||= heapBytes();
  };
  await show();
  atLeaf = () => {};
  return Math.max(0, Math.round((bytesAtLeaf - bytesBefore) / LEVELS));
}

async function serve(show: () => Promise<string>): Promise<Headline> {
  const bytes = await bytesPerLevel(show);
  return withServer({ '/comments': show }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/comments', 10);
    const what = `95 of 100 pings beside ${requests} walks of ${LEVELS} levels (${bytes} bytes per level)`;
    return { what, value: pingMs, unit: 'ms' };
  });
}

export const deepRecursion: Scenario = {
  id: 'deep-recursion',
  title: 'An async function that awaits itself ten thousand deep',
  description:
    'Every level of nested data is one more suspended call that the level above waits for; hooks call each other as deep.',
  expect: [{ rule: 'deep-async-chain', kind: 'async' }],
  broken: () => serve(showNested),
  fixed: () => serve(showInLoops),
};

runIfMain(import.meta.url, deepRecursion);
