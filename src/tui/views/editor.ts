/** Opens a place in the user's editor. */
import { type ChildProcess, spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { basename, isAbsolute } from 'node:path';
import { lineText, type ShownPlace } from '../../util/place-text.ts';
import { nodeCode } from '../../util/user-error.ts';

/** How editors are told the line: documented by each of them. Others take vi's form, as most do. */
const FORMS: readonly [names: RegExp, args: (file: string, line: number, column: number) => string[]][] = [
  [/^(code|codium|vscodium|cursor|windsurf|positron)(-.*)?$/, (...at) => ['--goto', at.join(':')]],
  [/^(subl|sublime_text|hx|helix|zed|zeditor|atom|lapce|micro)$/, (...at) => [at.join(':')]],
  [
    /^(idea|webstorm|phpstorm|pycharm|goland|rubymine|rider|clion|fleet)(64|\d*)?$/,
    (file, line, column) => ['--line', `${line}`, '--column', `${column}`, file],
  ],
  [/^(kate|kwrite)$/, (file, line, column) => ['--line', `${line}`, '--column', `${column}`, file]],
  [/^mate$/, (file, line, column) => ['--line', `${line}:${column}`, file]],
  [/^notepad\+\+$/, (file, line, column) => [`-n${line}`, `-c${column}`, file]],
  [/^(emacs|emacsclient|kak|gedit)$/, (file, line, column) => [`+${line}:${column}`, file]],
  [/^(nano|pico)$/, (file, line, column) => [`+${line},${column}`, file]],
];

/** VISUAL or EDITOR, as git and crontab read them; '' if neither is set. */
export function editorOf({ VISUAL = '', EDITOR = '' }: NodeJS.ProcessEnv): string {
  return VISUAL.trim() || EDITOR.trim();
}

/** The arguments with which that editor opens the place. */
export function editorArguments(editor: string, { file, line, column = 0 }: ShownPlace): string[] {
  const [, quoted, bare] = /^(?:["'](.+?)["']|(\S+))/.exec(editor) ?? [];
  const name = basename((quoted ?? bare ?? '').replaceAll('\\', '/')).replace(/\.(exe|cmd|bat)$/i, '');
  const form = FORMS.find(([names]) => names.test(name))?.[1];
  return form ? form(file, Math.max(1, line), Math.max(1, column)) : [`+${Math.max(1, line)}`, file];
}

/** Why it cannot be opened, in a sentence; null if it can. */
export function editingProblem(editor: string, place: ShownPlace): string | null {
  if (!isAbsolute(place.file)) return `${lineText(place)} is not a file on this machine.`;
  try {
    if (!statSync(place.file).isFile()) return `${lineText(place)} is not a file.`;
  } catch {
    return `${lineText(place)} is not on this machine.`;
  }
  return editor === '' ? 'No editor is set. Set EDITOR, such as EDITOR=vim or EDITOR="code --wait".' : null;
}

/** Starts it on this terminal. EDITOR is a command line for the shell; the place is passed beside it, whatever is in its name. */
export function startEditor(editor: string, place: ShownPlace): { child: ChildProcess; ended: Promise<string | null> } {
  const args = editorArguments(editor, place);
  const child =
    process.platform === 'win32'
      ? spawn(editor, args, { stdio: 'inherit' })
      : spawn('/bin/sh', ['-c', `${editor} "$@"`, 'editor', ...args], { stdio: 'inherit' });
  const ended = new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(`The editor cannot be started (${nodeCode(error)}): ${editor}`));
    child.once('exit', (code) =>
      resolve(code === 0 || code === null ? null : `The editor ended with code ${code}: ${editor}`),
    );
  });
  return { child, ended };
}
