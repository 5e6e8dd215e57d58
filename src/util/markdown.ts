import { stripControl } from './text.ts';

/** Text escaped for any place in Markdown, table cells included; without control characters. */
export function escapeMarkdown(text: string): string {
  return stripControl(text)
    .replace(/[\\`*_{}[\]<>#|~]/g, '\\$&')
    .replace(/&/g, '&amp;');
}

/** A code span, fenced by more backticks than the text holds. */
export function codeSpan(text: string): string {
  const clean = stripControl(text);
  const longest = Math.max(0, ...[...clean.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return longest === 0 ? `\`${clean}\`` : `${fence} ${clean} ${fence}`;
}
