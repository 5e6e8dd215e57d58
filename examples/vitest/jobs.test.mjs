import { expectNoLeaks, LeakError } from 'evdiag';
import { expect, test } from 'vitest';
import { leakyJob, tidyJob } from './jobs.mjs';

test('the tidy job leaves nothing behind', async () => {
  await expectNoLeaks(tidyJob, { runs: 3 });
});

// expectNoLeaks names the line that made the timer; the setup file evdiag/vitest would fail this test by itself.
test.fails('the leaky job is found', async () => {
  const error = await expectNoLeaks(leakyJob, { graceMs: 50 }).catch((reason) => reason);
  expect(error).toBeInstanceOf(LeakError);
  throw error;
});
