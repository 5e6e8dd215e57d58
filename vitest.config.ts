import { defineConfig } from 'vitest/config';

/** Tests that spawn programs, and how many of their files run at a time; a group starts when the one before has ended. */
const GROUPS = [
  { name: 'processes', maxWorkers: 3, include: ['test/agents/**', 'test/cli/**', 'test/package.test.ts'] },
  { name: 'lab', maxWorkers: 1, include: ['test/lab/**'] },
  // Two tests at a time within a file.
  { name: 'scenarios', maxWorkers: 1, include: ['test/scenarios/**'], maxConcurrency: 2 },
  { name: 'healthy', maxWorkers: 1, include: ['test/healthy/**'] },
  { name: 'soak', maxWorkers: 1, include: ['test/soak/**'] },
];
const shared = { environment: 'node' as const, testTimeout: 60_000, hookTimeout: 60_000, retry: 0 };
const testFiles = (pattern: string): string => (pattern.endsWith('**') ? `${pattern}/*.test.ts` : pattern);

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: GROUPS.flatMap(({ include }) => include.map(testFiles)),
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      ...GROUPS.map(({ include, ...group }, i) => ({
        test: { ...shared, ...group, include: include.map(testFiles), sequence: { groupOrder: i + 1 } },
      })),
    ],
  },
});
