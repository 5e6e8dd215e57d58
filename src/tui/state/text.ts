import { stripControl, wrap } from '../../util/text.ts';
import type { Line, Span, Tone } from './types.ts';

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text: stripControl(text), tone };
}

export function line(text: string, tone: Tone = 'plain'): Line {
  return [span(text, tone)];
}

/** A paragraph in lines of that width. */
export function paragraph(text: string, width: number, tone: Tone = 'plain', indent = ''): Line[] {
  const lines = wrap(inCells(stripControl(text)), Math.max(10, width - indent.length), columnsOf);
  return lines.map((part) => line(indent + part, tone));
}

/**
 * Characters of two columns on which all terminals agree: Chinese, Japanese, Korean and full-width forms
 * (East Asian Width W and F, https://www.unicode.org/reports/tr11/, of the first plane and assigned since long).
 */
const WIDE =
  /[\u3000-\u3029\u3030-\u303e\u3041-\u3096\u309b-\u30ff\u3105-\u312d\u3131-\u318e\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua48c\uac00-\ud7a3\uf900-\ufaff\uff01-\uff60\uffe0-\uffe6]/g;

/**
 * Characters whose width differs between terminals (one column, two, or none): combining marks that are left, emoji (as old
 * as `⌚` or joined from several), characters beyond the first plane, and recent wide characters.
 */
const UNCLEAR =
  /\p{M}|\p{Cs}|\p{Cf}|\p{Emoji_Presentation}|[\u1100-\u11ff\u2329\u232a\u2e80-\u2fff\u302a-\u302f\u3040\u3097-\u309a\u3100-\u3104\u312e-\u3130\u318f-\u31ef\u3200-\u33ff\u4dc0-\u4dff\ua48d-\ua4cf\ua960-\ua97f\ud7b0-\ud7ff\ufe10-\ufe19\ufe30-\ufe6f\uff00]|[\u{10000}-\u{10ffff}]/gu;

/** The text as all terminals show it in the same way; unclear characters become a box. */
export function inCells(text: string): string {
  return isAscii(text) ? text : text.normalize('NFC').replace(UNCLEAR, '□');
}

/** How many columns a text from `inCells` takes. */
export function columnsOf(text: string): number {
  return isAscii(text) ? text.length : text.length + (text.match(WIDE)?.length ?? 0);
}

function isAscii(text: string): boolean {
  return !/[^ -~]/.test(text);
}

/** Exactly that many columns: filled with spaces, or cut with an ellipsis (of paths, the end is what matters). */
export function fitTo(text: string, width: number, { right = false, keepEnd = false } = {}): string {
  if (width <= 0) return '';
  const whole = inCells(stripControl(text));
  const shown = columnsOf(whole) <= width ? whole : cut(whole, width, keepEnd);
  const filling = ' '.repeat(width - columnsOf(shown));
  return right ? filling + shown : shown + filling;
}

/** At most this many columns; half a wide character is dropped. */
function cut(text: string, width: number, keepEnd: boolean): string {
  const chars = keepEnd ? [...text].reverse() : [...text];
  let left = width - 1;
  let count = 0;
  for (; count < chars.length && columnsOf(chars[count]!) <= left; count++) left -= columnsOf(chars[count]!);
  return keepEnd ? `…${text.slice(text.length - count)}` : `${text.slice(0, count)}…`;
}

/** The line cut at that many columns. */
export function fitLine(spans: Line, width: number): Line {
  const fitting: Span[] = [];
  let left = width;
  for (const { text, tone } of spans) {
    if (left <= 0) break;
    const whole = inCells(text);
    const columns = columnsOf(whole);
    fitting.push({ text: columns > left ? fitTo(whole, left) : whole, tone });
    left -= columns;
  }
  return fitting;
}

/** Of a line as `fitLine` gives it. */
export function lineColumns(spans: Line): number {
  return spans.reduce((sum, { text }) => sum + columnsOf(text), 0);
}
