import { escapeHtml } from '../util/html.ts';
import { placeHtml } from '../util/place-html.ts';
import { stripControl } from '../util/text.ts';
import type { ComparedSuspect, LeakComparison, Rate } from './compare.ts';
import { comparedText, comparisonHeadline, OUTCOMES, shown, sideText } from './compare-words.ts';
import { COLORS } from './picture.ts';
import { namedPlace } from './words.ts';

const STYLE = `${COLORS}
:root{--gone:#1a7f37}@media(prefers-color-scheme:dark){:root{--gone:#4ac26b}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:76rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.2rem}h2{font-size:1rem;margin:0;overflow-wrap:anywhere}.dim{color:var(--dim)}code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}a{color:inherit}
article{background:var(--card);border-left:4px solid var(--tone);padding:.8rem 1rem;margin:1rem 0}article p{margin:.3rem 0}h2 b{color:var(--tone)}
.remains,.new{--tone:var(--likely)}.unclear{--tone:var(--possible)}.gone{--tone:var(--gone)}
dl{display:grid;grid-template-columns:4rem 1fr;gap:.2rem .6rem;margin:.5rem 0;align-items:center}dt{color:var(--dim)}dd{margin:0}svg{display:block;width:100%;height:.7rem}rect{fill:var(--link)}`;

/** One self-contained page: no script, nothing loaded from elsewhere. `editor`: the pattern of the addresses to which places link. */
export function comparisonHtml(comparison: LeakComparison, editor = ''): string {
  const headline = escapeHtml(comparisonHeadline(comparison));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>evdiag leaks: ${headline}</title><style>${STYLE}</style></head><body>
<h1>${headline}</h1>
<p class="dim">Before: ${quoted(sideText(comparison, 'before'))}<br>After: ${quoted(sideText(comparison, 'after'))}</p>
${comparison.suspects.map((suspect) => article(suspect, comparison, editor)).join('\n')}
${comparison.notes.map((note) => `<p class="dim">${quoted(note)}</p>`).join('\n')}
</body></html>
`;
}

const quoted = (text: string): string => escapeHtml(stripControl(text));

function article(suspect: ComparedSuspect, comparison: LeakComparison, editor: string): string {
  const { holder, place, remedy } = shown(suspect);
  const { outcome, beforeRate, afterRate, after } = suspect;
  const where = namedPlace(place);
  const key = [beforeRate, afterRate].some((rate) => rate !== null && rate.bytes > 0) ? 'bytes' : 'count';
  const most = Math.max(...[beforeRate, afterRate].map((rate) => rate?.[key] ?? 0));
  return `<article class="${outcome}"><h2><b>${OUTCOMES[outcome]}</b> ${quoted(holder)}</h2>
${where === '' ? '' : `<p>${placeHtml(place!, editor, where)}</p>`}
<p>${quoted(comparedText(suspect, comparison))}</p>
<dl><dt>before</dt><dd>${bar(beforeRate, key, most)}</dd><dt>after</dt><dd>${bar(afterRate, key, most)}</dd></dl>
${after === null ? '' : `<p>${quoted(remedy)}</p>`}</article>`;
}

/** As long as it grows fast, of the faster of the two. */
function bar(rate: Rate | null, key: keyof Rate, most: number): string {
  const percent = rate === null || most <= 0 ? 0 : (100 * rate[key]) / most;
  return `<svg role="img" aria-label="growth"><rect width="${percent.toFixed(1)}%" height="100%"/></svg>`;
}
