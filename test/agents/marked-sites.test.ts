import { expect, test } from 'vitest';
import { MarkedSites } from '../../agents/agent/marked-sites.ts';
import { createSharedMemory, Word } from '../../agents/shared-memory.ts';

test('the sites that the watchdog asks for take no time from those of later calls', () => {
  const shared = createSharedMemory();
  const sites = new MarkedSites(shared, 1);
  const sequenceAfter = (sequence: number): number => {
    (function call(): void {
      sites.write(0, sequence, call);
    })();
    return shared.control[Word.SiteSequence]!;
  };
  expect(sequenceAfter(1)).toBe(1);
  for (let sequence = 2; sequence < 5000; sequence++) {
    shared.control[Word.SiteWanted] = 1;
    sequenceAfter(sequence);
  }
  expect(sequenceAfter(5000)).toBe(5000);
});
