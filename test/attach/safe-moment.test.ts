import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { ANOTHER_MOMENT, atSafeMoment, IS_SAFE } from '../../src/attach/inspector/safe-moment.ts';

type Look = () => boolean;

/** As the inspector evaluates it: in a script without a name. */
const look = (late: boolean): Look =>
  new Script(`() => {${IS_SAFE} return isSafe(${late}); }`, { filename: '' }).runInThisContext();
/** Calls it from a function of that file. */
const from = (filename: string, inner: Look): Look =>
  new Script('(inner) => () => inner()', { filename }).runInThisContext()(inner);

const TICKS = 'node:internal/process/task_queues';
const STREAMS = 'node:internal/streams/readable';

test.each([
  ['code of the program', ['/app/main.js'], true, true],
  ['code of the program that a tick runs', ['/app/main.js', TICKS], true, true],
  ['the queue of ticks', [TICKS], false, false],
  ['the queue itself', ['node:internal/fixed_queue', TICKS], false, false],
  ['rejections', ['node:internal/process/promises', TICKS], false, false],
  ['timers', ['node:internal/timers'], false, false],
  ['other code of Node, in which a thread may be for long', [STREAMS, '/app/main.js'], false, true],
])('%s is on top of the stack', (_, files, atFirst, later) => {
  const judged = (late: boolean) => stacked(files, look(late))();
  expect([judged(false), judged(true)]).toEqual([atFirst, later]);
});

/** The first file is on top. */
function stacked(files: readonly string[], inner: Look): Look {
  return files.reduce((below, file) => from(file, below), inner);
}

test('how the program wants its stacks is left as it was', () => {
  const before = Object.getOwnPropertyDescriptors(Error);
  look(false)();
  expect(Object.getOwnPropertyDescriptors(Error)).toEqual(before);
});

test('it is asked again until it does something', async () => {
  const answers = [ANOTHER_MOMENT, ANOTHER_MOMENT, 'done', 'too often'];
  expect(await atSafeMoment(() => Promise.resolve(answers.shift()))).toBe('done');
  expect(answers).toEqual(['too often']);
});
