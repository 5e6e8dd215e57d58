/** Where not everything was followed, counts say "about": what is shown as exact was counted. */
import { expect, test } from 'vitest';
import { growingPendingAsync } from '../../src/detectors/rules/growing-pending-async.ts';
import { leakedHandles } from '../../src/detectors/rules/leaked-handles.ts';
import { missingTimeout } from '../../src/detectors/rules/missing-timeout.ts';
import type { Detector } from '../../src/detectors/types.ts';
import type { UnfinishedEntry } from '../../src/recording/types.ts';
import { find, tracked } from '../support/recording.ts';

const growing = (fields: Partial<UnfinishedEntry>) => (n: number) => ({ alive: 30 * n, ...fields });
const words = (rule: Detector, fields: (n: number) => Partial<UnfinishedEntry>) => {
  const [finding] = find(rule, tracked(4, fields));
  return `${finding?.message} ${rule.words(finding?.evidence as object).join(' · ')}`;
};

test.each<[string, Detector, Partial<UnfinishedEntry>]>([
  ['growing-pending-async', growingPendingAsync as Detector, {}],
  ['missing-timeout', missingTimeout as Detector, { via: ['fetch'] }],
  ['leaked-handles', leakedHandles as Detector, { what: 'handle', type: 'FILEHANDLE' }],
])('%s', (_what, rule, fields) => {
  const some = words(rule, (n) => ({ ...growing(fields)(n), followed: 15 * n }));
  expect(some).toMatch(/^About 120 /);
  expect(some).toContain(' Of these, 60 were followed; the rest is an estimate.');
  expect(some).toContain('about 120 alive');
  for (const all of [words(rule, growing(fields)), words(rule, (n) => ({ ...growing(fields)(n), followed: 30 * n }))]) {
    expect(all).toMatch(/^120 /);
    expect(all).not.toMatch(/about|estimate/i);
  }
});
