import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { editingProblem, editorArguments, editorOf } from '../../../src/tui/views/editor.ts';
import { KEYS, onTerminal, type TestTerminal } from '../../support/pty.ts';
import { sickFolder } from '../../support/sick-recording.ts';

/** Says what it was given on the plain screen, and ends at a line that is typed. */
const EDITOR = `#!/bin/sh
trap 'echo interrupted' INT
printf 'EDITING %s|' "$@"
echo
times=0
while [ $times -lt 100 ]; do
  times=$((times + 1))
  read line || continue
  echo "typed: $line"
  [ "$line" = "end" ] && exit 0
  [ "$line" = "fail" ] && exit 9
done
`;

/** The sick recording, whose file is there, with an editor of our own. */
async function replay(
  use: (terminal: TestTerminal, folder: string) => Promise<void>,
  { env = {}, hasSource = true } = {},
): Promise<void> {
  const folder = sickFolder();
  const recording = join(folder, 'out/recording.ndjson');
  const source = join(folder, 'it is $(here).js');
  writeFileSync(recording, readFileSync(recording, 'utf8').replaceAll('/srv/app.js', source));
  if (hasSource) writeFileSync(source, 'work();\n'.repeat(100));
  const editor = join(folder, 'editor');
  writeFileSync(editor, EDITOR);
  chmodSync(editor, 0o755);
  const body = async (terminal: TestTerminal): Promise<void> => {
    await terminal.until('━!━');
    terminal.type('2');
    await terminal.until(/longest +total/);
    await use(terminal, folder);
  };
  await onTerminal(['replay', 'out'], body, {
    cwd: folder,
    columns: 140,
    env: { VISUAL: '', EDITOR: `"${editor}" -x`, ...env },
  });
}

const isBack = async (terminal: TestTerminal): Promise<void> => {
  await terminal.until(/longest +total[\s\S]*q quit/);
  expect(terminal.isAlternate()).toBe(true);
};

describe('e', () => {
  test('opens the selected place at its line, gives keys and Ctrl-C to the editor, and brings the screen back', () =>
    replay(async (terminal, folder) => {
      // The plain screen still has what the first editor printed.
      const shown = (text: string, times: number) => new RegExp(`(?:${text}[^]*){${times}}`);
      for (const times of [1, 2]) {
        terminal.type('e');
        await terminal.until(shown('EDITING -x.*EDITING', times));
        expect(terminal.isAlternate()).toBe(false);
        expect(terminal.text()).toContain(`EDITING -x|EDITING +20|EDITING ${folder}/it is $(here).js|`);
        terminal.type('q\r');
        await terminal.until(shown('typed: q', times));
        terminal.type(KEYS.ctrlC);
        await terminal.until(shown('interrupted', times));
        terminal.type('end\r');
        await isBack(terminal);
      }
      // The mouse and the keys work as before.
      terminal.clickOn('6 Findings');
      await terminal.until('severity');
      terminal.type('q');
      expect(await terminal.exit).toEqual({ exitCode: 0, signal: 0 });
    }));

  test('an editor that fails is named, and the screen comes back', () =>
    replay(async (terminal) => {
      terminal.type('e');
      await terminal.until('EDITING');
      terminal.type('fail\r');
      await terminal.until(/longest +total[\s\S]*The editor ended with code 9/);
      expect(terminal.isAlternate()).toBe(true);
    }));

  test('without an editor, or without the file, the screen stays and says so', async () => {
    await replay(
      async (terminal) => {
        terminal.type('e');
        await terminal.until('No editor is set. Set EDITOR, such as EDITOR=vim');
        expect(terminal.isAlternate()).toBe(true);
      },
      { env: { EDITOR: '' } },
    );
    await replay(
      async (terminal) => {
        terminal.type('e');
        await terminal.until('is not on this machine.');
      },
      { hasSource: false },
    );
  });

  test('a signal ends evdiag while the editor has the terminal', () =>
    replay(async (terminal) => {
      terminal.type('e');
      await terminal.until('EDITING');
      terminal.kill('SIGTERM');
      expect(await terminal.exit).toMatchObject({ exitCode: 143 });
    }));
});

const place = { file: '/srv/my app.js', line: 12, column: 3 };

test.each([
  ['vim', ['+12', '/srv/my app.js']],
  ['/usr/bin/nvim -p', ['+12', '/srv/my app.js']],
  ['unheard-of', ['+12', '/srv/my app.js']],
  ['nano', ['+12,3', '/srv/my app.js']],
  ['emacsclient -nw', ['+12:3', '/srv/my app.js']],
  ['code --wait', ['--goto', '/srv/my app.js:12:3']],
  ['"/opt/my tools/cursor" -w', ['--goto', '/srv/my app.js:12:3']],
  ['C:\\tools\\codium.cmd', ['--goto', '/srv/my app.js:12:3']],
  ['subl -w', ['/srv/my app.js:12:3']],
  ['hx', ['/srv/my app.js:12:3']],
  ['zed', ['/srv/my app.js:12:3']],
  ['webstorm', ['--line', '12', '--column', '3', '/srv/my app.js']],
  ['idea64', ['--line', '12', '--column', '3', '/srv/my app.js']],
  ['kate', ['--line', '12', '--column', '3', '/srv/my app.js']],
])('%s is told the line in its own form', (editor, args) => expect(editorArguments(editor, place)).toEqual(args));

test('VISUAL goes before EDITOR; a name from a recording is never an option, a device or a folder', () => {
  expect(editorOf({ VISUAL: ' ', EDITOR: 'ed' })).toBe('ed');
  expect(editorOf({ VISUAL: 'code', EDITOR: 'ed' })).toBe('code');
  expect(editorOf({})).toBe('');
  for (const file of ['+!sh', '--cmd', 'node:fs', '/dev/null', '/', '/a\0b', 'app.js']) {
    expect(editingProblem('vim', { file, line: 1 }), file).toMatch(/\.$/);
  }
});
