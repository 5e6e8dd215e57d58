import { editorAddress } from '../exporters/editors.ts';
import { escapeHtml } from '../util/html.ts';
import { placeText, type ShownPlace } from '../util/place-text.ts';

/** A place as code, which opens the line in the editor of that pattern; '' for no link. */
export function placeHtml(place: ShownPlace, editor: string): string {
  const code = `<code>${escapeHtml(placeText(place))}</code>`;
  const address = editorAddress(editor, place.file, place.line);
  return address === null ? code : `<a href="${escapeHtml(address)}">${code}</a>`;
}
