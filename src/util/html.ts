import { stripControl } from './text.ts';

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand in HTML and SVG, in attributes as well; without control characters. */
export function escapeHtml(text: string): string {
  return stripControl(text).replace(/[&<>"']/g, (char) => ENTITY[char] ?? '');
}
