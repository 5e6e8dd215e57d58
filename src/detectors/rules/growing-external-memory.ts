import { rowsOf, type View } from '../../recording/types.ts';
import { formatBytes } from '../../util/text.ts';
import { CONFIDENCE } from '../confidence.ts';
import type { HeapGrowth } from '../early-growth.ts';
import { findingOf } from '../finding.ts';
import { GOES_ON, goesOn } from '../goes-on.ts';
import {
  HEAP_ROWS,
  heapGrowthOf,
  LEAST_COLLECTIONS,
  type MemoryGrowthEvidence,
  memoryGrowthEvidence,
  memoryGrowthWords,
} from '../heap-growth.ts';
import { secondsText } from '../severity.ts';

import type { Detector, Finding } from '../types.ts';
import { nativeMemory } from '../unseen.ts';

/** V8 lets some 64 MB of Buffers accumulate between two collections, and frees them concurrently: readings vary by this. */
const GROWN_BYTES = 96e6;
const REMEDY =
  'Keep a copy of the part that you need, Buffer.from(part), as a slice keeps the whole; let go of Buffers that were sent, and bound what waits to be.';

export interface ExternalEvidence extends MemoryGrowthEvidence {
  arrayBuffersBytes: number;
}

const READS = [...HEAP_ROWS, 'memory'] as const;
type Seen = View<(typeof READS)[number]>;

export const growingExternalMemory: Detector<ExternalEvidence, typeof READS> = {
  id: 'growing-external-memory',
  title: 'growing memory outside the heap',
  description:
    "After each major collection more memory is held outside of V8's heap than before, mostly by Buffers, and the load does not " +
    'explain it. The heap itself looks small, because the object that holds a Buffer is small.',
  remedy: REMEDY,
  reads: READS,
  needs: [['gc', 'memory']],
  thresholds: [
    `warning: ${GROWN_BYTES / 1e6} MB more over at least ${LEAST_COLLECTIONS} major collections, rising as for growing-heap; info ${GOES_ON}.`,
  ],
  limits: [
    'There is no line: V8 does not sample memory outside its heap. `evdiag leaks PID` shows what holds the Buffers.',
    nativeMemory('Memory that a native add-on allocates without telling V8 is not counted.'),
  ],
  kinds: [
    {
      kind: 'external',
      title: 'more Buffers after each major collection',
      remedy: REMEDY,
      example:
        'tokens.push(chunk.subarray(0, 16));               // keeps all of the chunk\ntokens.push(Buffer.from(chunk.subarray(0, 16)));  // 16 bytes',
    },
  ],
  detect(recording) {
    const growth = heapGrowthOf(recording, 'externalBytes');
    return growth && growth.toBytes - growth.fromBytes >= GROWN_BYTES ? [toFinding(recording, growth)] : [];
  },
  words: memoryGrowthWords,
};

function toFinding(recording: Seen, growth: HeapGrowth): Finding<ExternalEvidence> {
  const { fromBytes, toBytes, spanMs, collections } = growth;
  const severity = goesOn(recording) ? 'warning' : 'info';
  const buffers = rowsOf(recording, 'memory').at(-1)?.arrayBuffersBytes ?? 0;
  return findingOf(growingExternalMemory, {
    severity,
    lostMs: spanMs,
    kind: 'external',
    message: `Memory outside the heap grew from ${formatBytes(fromBytes)} to ${formatBytes(toBytes)} within ${secondsText(spanMs)}; ${formatBytes(buffers)} are Buffers.`,
    location: null,
    count: collections,
    confidence: CONFIDENCE.indirect,
    evidence: { ...memoryGrowthEvidence(growth), arrayBuffersBytes: buffers },
  });
}
