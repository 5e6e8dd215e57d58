import { stripControl } from './text.ts';

const ENTITY: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text escaped for HTML and SVG, attributes included; without control characters. */
export function escapeHtml(text: string): string {
  return stripControl(text).replace(/[&<>"']/g, (char) => ENTITY[char] ?? '');
}
