import { escapeHtml } from '../util/html.ts';
import { placeHtml } from '../util/place-html.ts';
import { formatBytes } from '../util/text.ts';
import { COLORS, most, PICTURE_STYLE, pathSvg } from './picture.ts';
import type { LeakReport, PathStep, Suspect } from './types.ts';
import { headline, namedPlace, perMinute, snapshotText, stepText } from './words.ts';

const STYLE = `${COLORS}
body{font:15px/1.5 system-ui,sans-serif;color:var(--fg);background:var(--bg);max-width:76rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.2rem}h2{font-size:1rem;margin:0;overflow-wrap:anywhere}.dim{color:var(--dim)}code{font-family:ui-monospace,monospace;overflow-wrap:anywhere}a{color:inherit}
article{background:var(--card);border-left:4px solid var(--tone);padding:.8rem 1rem;margin:1rem 0}article p{margin:.3rem 0}.likely{--tone:var(--likely)}.possible{--tone:var(--possible)}
.scroll{overflow-x:auto}details{margin:.3rem 0}ol{margin:.3rem 0;padding-left:1.6rem}${PICTURE_STYLE}.paths rect{fill:var(--bg)}`;

/** One self-contained page: no script, nothing loaded from elsewhere. `editor`: the pattern of the addresses to which places link. */
export function leaksHtml(report: LeakReport, editor = ''): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>evdiag leaks: ${escapeHtml(headline(report))}</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(headline(report))}</h1>
<p class="dim">${escapeHtml(snapshotText(report))}</p>
${report.suspects.map((suspect) => article(suspect, most(report.suspects), editor)).join('\n')}
${report.notes.map((note) => `<p class="dim">${escapeHtml(note)}</p>`).join('\n')}
</body></html>
`;
}

function article(suspect: Suspect, mostBytes: number, editor: string): string {
  const rate = perMinute(suspect);
  const place = namedPlace(suspect.place);
  return `<article class="${suspect.confidence}"><h2>${escapeHtml(suspect.holder)}</h2>
${place === '' ? '' : `<p>${placeHtml(suspect.place!, editor, place)}</p>`}
<p>${escapeHtml(suspect.message)}${rate === null ? '' : ` <span class="dim">${escapeHtml(rate)}</span>`}</p>
<div class="scroll">${pathSvg(suspect, mostBytes)}</div>
<p>${escapeHtml(suspect.remedy)}</p>
<details><summary>Path</summary><ol>${suspect.path.map(stepItem).join('')}</ol></details></article>`;
}

function stepItem(step: PathStep): string {
  const place = step.place ? ` ${namedPlace({ ...step.place, function: '' })}` : '';
  const bytes = step.bytes === null ? '' : ` <span class="dim">${formatBytes(step.bytes)}</span>`;
  return `<li><code>${escapeHtml(`${stepText(step)}${place}`)}</code>${bytes}</li>`;
}
