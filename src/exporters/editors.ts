import { InputError } from '../recording/input-error.ts';

/** Addresses that open a file in an editor; {file} is its absolute path, {line} counts from 1. */
const EDITORS: Record<string, string> = {
  vscode: 'vscode://file/{file}:{line}',
  idea: 'idea://open?file={file}&line={line}',
  sublime: 'subl://open?url=file://{file}&line={line}',
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
