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
  return wrap(stripControl(text), Math.max(10, width - indent.length)).map((part) => line(indent + part, tone));
}

/** What is not exactly one column wide: combining marks, wide characters, and those beyond the first plane. */
const ODD_WIDTH =
  /\p{M}|[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\u{10000}-\u{10ffff}]|\p{Cs}|\p{Cf}/gu;

/** The text in characters of one column each, so that its length is its width. */
export function oneColumnEach(text: string): string {
  return text.replace(ODD_WIDTH, '□');
}

/** Exactly that many columns: filled with spaces, or cut with an ellipsis (of paths, the end is what matters). */
export function fitTo(text: string, width: number, { right = false, keepEnd = false } = {}): string {
  const plain = oneColumnEach(stripControl(text));
  if (width <= 0) return '';
  if (plain.length <= width) return right ? plain.padStart(width) : plain.padEnd(width);
  return keepEnd ? `…${plain.slice(plain.length - width + 1)}` : `${plain.slice(0, width - 1)}…`;
}

/** The line cut at that many columns. */
export function fitLine(spans: Line, width: number): Line {
  const cut: Span[] = [];
  let left = width;
  for (const { text, tone } of spans) {
    if (left <= 0) break;
    const plain = oneColumnEach(text);
    cut.push({ text: plain.length > left ? fitTo(plain, left) : plain, tone });
    left -= plain.length;
  }
  return cut;
}
