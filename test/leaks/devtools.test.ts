import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { connect } from '../../src/attach/connect.ts';
import { takeSnapshot } from '../../src/attach/take-snapshot.ts';
import { noBrowser } from '../support/browser.ts';
import { inMemoryPanel } from '../support/devtools.ts';
import { inLab } from '../support/run-agent.ts';

/** A browser that starts on a busy machine. */
const LIMIT_MS = 120_000;

const PROGRAM = `
// Large enough for the first lines of the table.
class WantedRecord { constructor(i) { this.list = new Array(200).fill(i + 0.5); } }
globalThis.kept = Array.from({ length: 1234 }, (_, i) => new WantedRecord(i));
setInterval(() => {}, 1e6);
console.log('ready');
`;

test.skipIf(noBrowser)(
  'the developer tools of Chromium open the snapshots that the agent writes',
  inLab(async (lab) => {
    const program = lab.start(lab.file('patient.cjs', PROGRAM));
    await Promise.all([program.until('stdout', 'ready'), program.watched()]);
    const folder = mkdtempSync(join(tmpdir(), 'evdiag-snapshot-'));
    const connection = await connect(program.pid);
    try {
      const { file } = await takeSnapshot(connection, join(folder, 'ours.heapsnapshot'));
      await inMemoryPanel(file, async (page) => {
        // The class with its number of objects.
        const row = page.locator('tr', { hasText: /WantedRecord/ }).first();
        await row.waitFor({ timeout: 60_000 });
        expect((await row.innerText()).replace(/\s/g, '')).toMatch(/^WantedRecord.*1[,.'’]?234/);
      });
    } finally {
      connection.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }),
  LIMIT_MS,
);
