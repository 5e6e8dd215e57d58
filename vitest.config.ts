import { defineConfig } from 'vitest/config';

/** These spawn programs and look at their timing: one file at a time, after everything else. */
const PROCESS_TESTS = [
  'test/agents/**/*.test.ts',
  'test/cli/**/*.test.ts',
  'test/healthy/**/*.test.ts',
  'test/lab/**/*.test.ts',
  'test/scenarios/**/*.test.ts',
  'test/package.test.ts',
];
const shared = { environment: 'node' as const, testTimeout: 60_000, hookTimeout: 60_000, retry: 0 };

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: PROCESS_TESTS,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: 'processes',
          include: PROCESS_TESTS,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
