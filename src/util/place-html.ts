import { editorAddress } from './editors.ts';
import { escapeHtml } from './html.ts';
import { placeText, type ShownPlace } from './place-text.ts';

/** A place as code, which opens the line in the editor of that pattern; '' for no link. */
export function placeHtml(place: ShownPlace, editor: string, text = placeText(place)): string {
  const code = `<code>${escapeHtml(text)}</code>`;
  const address = editorAddress(editor, place.file, place.line);
  return address === null ? code : `<a href="${escapeHtml(address)}">${code}</a>`;
}
