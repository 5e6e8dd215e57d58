import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evdiag } from '../../support/dump.ts';
import { KEYS, onTerminal } from '../../support/pty.ts';
import { tempFolder } from '../../support/recording.ts';

/** Its temporary files go to a folder that can be looked at. */
const folders = () => ({ TMPDIR: tempFolder(), XDG_RUNTIME_DIR: tempFolder() });

describe('evdiag replay --scenario', () => {
  test('plays broken, then fixed: the guilty line, the finding, the remedy; b toggles', async () => {
    const env = folders();
    await onTerminal(
      ['replay', '--scenario', 'blocking-sleep'],
      async (terminal) => {
        await terminal.until(/BROKEN .*A handler sleeps synchronously/);
        await terminal.until(/> +9 │ +Atomics\.wait\(cell/);
        await terminal.until('✗ found: blocked-event-loop (sync-sleep)');
        await terminal.until(/three calls of 300 ms took \d+ ms/);
        terminal.type('9');
        await terminal.until('-   Atomics.wait(cell');
        await terminal.until('+   await delay(SLEEP_MS);');
        terminal.type('b', '8');
        await terminal.until('✓ Fixed: nothing to act on');
        await terminal.until(/FIXED .*took \d+ ms/);
        expect(terminal.text()).not.toContain('✗ found');
        terminal.type('b', '2');
        await terminal.until(/sync-sleep .*blocking-sleep\.ts:9/);
        terminal.type('q');
        expect(await terminal.exit).toMatchObject({ exitCode: 0 });
      },
      { env, rows: 40 },
    );
    expect(readdirSync(env.TMPDIR).filter((name) => name.startsWith('evdiag-scenario-'))).toEqual([]);
  });

  test('a wide terminal has both beside each other', () =>
    onTerminal(
      ['replay', '--scenario', 'blocking-sleep'],
      async (terminal) => {
        await terminal.until(/BROKEN .*│ FIXED /);
        terminal.type('2');
        await terminal.until(/sync-sleep .*blocking-sleep\.ts:9 .*│/);
        await terminal.until(/FIXED .*took \d+ ms/);
        // A busy machine may hold the cure up as well.
        await terminal.until(/│ (No stall|host )/);
        terminal.resize(90, 30);
        await terminal.untilGone('FIXED');
        terminal.type(KEYS.ctrlC);
        expect(await terminal.exit).toMatchObject({ exitCode: 130 });
      },
      { env: folders(), columns: 170 },
    ));

  test('without an id there is a list', () =>
    onTerminal(
      ['replay', '--scenario'],
      async (terminal) => {
        await terminal.until('allocation-churn');
        terminal.type('j', 'j');
        await expect.poll(() => terminal.styleOf('blocking-sleep').inverse).toBe(true);
        terminal.type(KEYS.enter);
        await terminal.until('BROKEN');
        terminal.type('q');
        expect(await terminal.exit).toMatchObject({ exitCode: 0 });
        expect(terminal.isAlternate()).toBe(false);
      },
      { env: folders() },
    ));

  test('a name that is none is answered with the nearest', async () => {
    const { status, stderr } = await evdiag(['replay', '--scenario', 'blocking-slep']);
    expect(status).toBe(2);
    expect(stderr).toContain('Did you mean "blocking-sleep"?');
  });
});
