import { defineConfig } from 'vitest/config';

/**
 * Tests that spawn programs, and how many of their files run at a time; a group starts when the one before has ended.
 * Those named full-… are the full tier: `npm test` leaves them out.
 */
const GROUPS = [
  {
    name: 'processes',
    maxWorkers: 3,
    include: ['test/agents/**', 'test/cli/**', 'test/leaks/**', 'test/package.test.ts'],
  },
  // The terminal UI on a terminal.
  { name: 'tui', maxWorkers: 2, include: ['test/tui/views/**'] },
  // Vitest in vitest, and blocks that are measured.
  { name: 'full-library', maxWorkers: 2, include: ['test/library/**'] },
  { name: 'full-lab', maxWorkers: 1, include: ['test/lab/**'] },
  // Within the file, the cures run several at a time, the sick ones alone.
  { name: 'full-scenarios', maxWorkers: 1, include: ['test/scenarios/scenarios.test.ts'], maxConcurrency: 3 },
  { name: 'full-healthy', maxWorkers: 1, include: ['test/healthy/healthy.test.ts'] },
  // What people open our files with.
  {
    name: 'full-browser',
    maxWorkers: 1,
    include: ['test/exporters/consumers.test.ts', 'test/exporters/flamegraph-page.test.ts'],
  },
  // Prometheus scrapes and is asked.
  { name: 'full-metrics', maxWorkers: 1, include: ['test/metrics/**'] },
  { name: 'full-faults', maxWorkers: 1, include: ['test/faults/**'], maxConcurrency: 4 },
  { name: 'full-runners', maxWorkers: 1, include: ['test/runners/**'] },
  { name: 'full-fuzz', maxWorkers: 1, include: ['test/fuzz/full.test.ts'] },
  { name: 'full-terminations', maxWorkers: 1, include: ['test/terminations/**'] },
  { name: 'full-attached', maxWorkers: 1, include: ['test/attached/**'] },
  { name: 'full-soak', maxWorkers: 1, include: ['test/soak/**'] },
  // The package beside other tools, which npm installs.
  { name: 'full-packages', maxWorkers: 1, include: ['test/packages/**'] },
  { name: 'full-starved', maxWorkers: 1, include: ['test/healthy/starved.test.ts'] },
  // Real libraries, which npm installs.
  { name: 'full-field', maxWorkers: 1, include: ['test/field/field.test.ts'] },
  { name: 'full-same-core', maxWorkers: 1, include: ['test/scenarios/same-core.test.ts'], maxConcurrency: 2 },
];
/**
 * Where it is set, Node 20 reads all these certificates at each start, which takes four times as long as the start itself; the tests
 * start thousands. npm gets them back (test/support/packed.ts).
 */
const CERTIFICATES = process.env.NODE_EXTRA_CA_CERTS ?? '';
const WITH_NPM = ['full-runners', 'full-packages', 'full-field'];
const withoutCertificates = { NODE_EXTRA_CA_CERTS: '', EVDIAG_TEST_CA_CERTS: CERTIFICATES };
/** Far away, as what is waited for is too: only what never ends gets there. */
const LIMIT_MS = 180_000;
const shared = {
  environment: 'node' as const,
  testTimeout: LIMIT_MS,
  hookTimeout: LIMIT_MS,
  retry: 0,
  expect: { poll: { timeout: LIMIT_MS / 2 } },
};
const testFiles = (pattern: string): string => (pattern.endsWith('**') ? `${pattern}/*.test.ts` : pattern);

export default defineConfig({
  test: {
    reporters: process.env.EVDIAG_FAILURES ? ['default', './scripts/failures-reporter.mjs'] : ['default'],
    projects: [
      {
        test: {
          ...shared,
          env: withoutCertificates,
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: GROUPS.flatMap(({ include }) => include.map(testFiles)),
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      ...GROUPS.map(({ include, ...group }, i) => ({
        test: {
          ...shared,
          ...group,
          ...(!WITH_NPM.includes(group.name) && { env: withoutCertificates }),
          include: include.map(testFiles),
          sequence: { groupOrder: i + 1 },
        },
      })),
    ],
  },
});
