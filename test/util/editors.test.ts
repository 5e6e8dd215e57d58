import { describe, expect, test } from 'vitest';
import { editorAddress, editorPattern } from '../../src/util/editors.ts';

/** The viewer is plain JavaScript, as it runs in the page. */
const viewer = new URL('../../src/exporters/viewer/tooltip.js', import.meta.url).href;
const { setEditor, tooltip } = (await import(viewer)) as {
  setEditor(pattern: string): void;
  tooltip(data: object, all: number, top: number): string;
};

function linkOf(editor: string, file = '/srv/a b/x#1.ts', line = 12): string | undefined {
  setEditor(editorPattern(editor));
  return /href="([^"]*)"/.exec(tooltip({ function: 'f', file, line, value: 1 }, 1, 1))?.[1];
}

describe('editors', () => {
  test.each([
    ['vscode', 'vscode://file/srv/a%20b/x%231.ts:12'],
    ['idea', 'idea://open?file=/srv/a%20b/x%231.ts&#38;line=12'],
    ['sublime', 'subl://open?url=file:///srv/a%20b/x%231.ts&#38;line=12'],
    ['my:///{file}', 'my:///srv/a%20b/x%231.ts'],
    ['zed://file{file}:{line}', 'zed://file/srv/a%20b/x%231.ts:12'],
  ])('%s', (editor, href) => {
    expect(linkOf(editor)).toBe(href);
    // Pages without a script have the same.
    const address = editorAddress(editorPattern(editor), '/srv/a b/x#1.ts', 12);
    expect(address?.replaceAll('&', '&#38;')).toBe(href);
  });

  test('a file on a drive, one that is hostile, one that is none, and no links', () => {
    expect(linkOf('vscode', 'C:\\app\\x.ts')).toBe('vscode://file/C:/app/x.ts:12');
    expect(linkOf('idea', '/x">&line=<script>$&')).toBe(
      'idea://open?file=/x%22%3E%26line%3D%3Cscript%3E$%26&#38;line=12',
    );
    expect(linkOf('vscode', 'node:fs')).toBeUndefined();
    expect(linkOf('none')).toBeUndefined();
  });

  test('a page without a script links no share, no part of Node, and nothing that is no text', () => {
    const pattern = editorPattern('vscode');
    for (const file of [
      '//evil/share/x.js',
      '/\\evil\\x.js',
      'node:fs',
      'x.js',
      'https://e.org/x.js',
      '/a\ud800.js',
      '',
    ]) {
      expect(editorAddress(pattern, file, 1), file).toBeNull();
    }
    expect(editorAddress(editorPattern('none'), '/srv/x.js', 1)).toBeNull();
    expect(editorAddress(pattern, 'C:\\app\\x.ts', 0)).toBe('vscode://file/C:/app/x.ts:1');
  });

  test.each(['emacs', 'myeditor://open', 'javascript:alert("{file}")', 'data:{file}', '{file}', 'toString'])(
    '%s is none',
    (wanted) => {
      expect(() => editorPattern(wanted)).toThrow(
        /is not a known editor: give vscode, idea, sublime, cursor, webstorm, windsurf, zed, none, or/,
      );
    },
  );
});
