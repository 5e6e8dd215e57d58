import { expect, test } from 'vitest';
import { unlistedResources } from '../../src/recording/unlisted.ts';

test.each(['v20.11.0', 'v25.9.0', '24.21.0', ''])('Node %s lists all that is open', (version) => {
  expect(unlistedResources(version)).toBeNull();
});

test.each(['v26.10.0', '27.0.0-nightly'])('Node %s lists no pending file operations', (version) => {
  expect(unlistedResources(version)).toMatch(/^Node 2[67] does not list pending file operations$/);
});
