import { InputError } from './input-error.ts';

/** Addresses that open a file in an editor; {file} is its absolute path, {line} counts from 1. */
const EDITORS: Record<string, string> = {
  vscode: 'vscode://file/{file}:{line}',
  idea: 'idea://open?file={file}&line={line}',
  sublime: 'subl://open?url=file://{file}&line={line}',
  cursor: 'cursor://file/{file}:{line}',
  webstorm: 'webstorm://open?file={file}&line={line}',
  windsurf: 'windsurf://file/{file}:{line}',
  zed: 'zed://file/{file}:{line}',
  none: '',
};
export const DEFAULT_EDITOR = 'vscode';
/** They would run in the page, or load something into it. */
const HARMFUL = /^(javascript|data|vbscript|blob|about):/i;

/** The pattern of an editor's addresses, by its name or as given; '' for no links. Throws InputError. */
export function editorPattern(wanted: string): string {
  const known = Object.hasOwn(EDITORS, wanted) ? EDITORS[wanted] : undefined;
  if (known !== undefined) return known;
  if (/^[a-z][a-z0-9+.-]*:/i.test(wanted) && wanted.includes('{file}') && !HARMFUL.test(wanted)) return wanted;
  throw new InputError(
    `"${wanted}" is not a known editor: give ${Object.keys(EDITORS).join(', ')}, or a URL such as "myeditor://open?file={file}&line={line}".`,
  );
}

/** The address of a line; null without a pattern, and for what is no file of this machine: a name of a share would be looked up. */
export function editorAddress(pattern: string, file: string, line: number): string | null {
  if (pattern === '' || !/^(\/(?![/\\])|[A-Za-z]:[\\/])/.test(file) || !file.isWellFormed()) return null;
  const path = encodeURI(file.replaceAll('\\', '/')).replace(/[?#&+=;]/g, encodeURIComponent);
  // After a slash it needs none of its own, but it does after those of file://.
  return pattern
    .replace(/(^|[^:/]|\/\/)\/\{file\}/g, (_, before: string) => `${before}/${path.replace(/^\//, '')}`)
    .replaceAll('{file}', () => path)
    .replaceAll('{line}', () => String(Math.max(1, line)));
}
