/** The retaining paths as a picture: one row for each suspect, from its holder to one of the things; the thicker a line, the more hangs on it. */
import { escapeHtml } from '../util/html.ts';
import { formatBytes, stripControl } from '../util/text.ts';
import type { LeakReport, PathStep, Suspect } from './types.ts';
import { headline, namedPlace, snapshotText } from './words.ts';

const BOX = { width: 196, height: 46, gap: 96, first: 330 } as const;
const ROW_HEIGHT = 92;
const LEFT = 24;
const TOP = 74;
const MAX_STEPS = 6;
const MAX_ROWS = 20;
const LINE = { least: 1.5, most: 16 } as const;
/** Width of a character of 12 px in common monospaced fonts. */
const CHARACTER = 7.3;

/** Colours for light and dark, as variables: also for the page that has the pictures in it. */
export const COLORS = `:root{color-scheme:light dark;--fg:#1c2128;--bg:#fff;--dim:#5b6470;--line:#b4bcc6;--card:#f6f8fa;--likely:#b3261e;--possible:#8a5a00;--link:#0b6477}
@media(prefers-color-scheme:dark){:root{--fg:#dfe5ec;--bg:#12161b;--dim:#96a0ac;--line:#4a5562;--card:#1a2028;--likely:#ff8078;--possible:#e3b341;--link:#6fc7d9}}`;
export const PICTURE_STYLE =
  '.paths text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:var(--fg)}.paths .dim{fill:var(--dim)}.paths .bold{font-weight:600}.paths rect{fill:var(--card);stroke:var(--line)}.paths .likely rect.holder{stroke:var(--likely);stroke-width:2}.paths .possible rect.holder{stroke:var(--possible);stroke-width:2}.paths path{fill:none;stroke:var(--link);opacity:.55}';

/** A whole SVG file: no script, nothing loaded from elsewhere. */
export function leaksSvg(report: LeakReport): string {
  const rows = report.suspects.slice(0, MAX_ROWS);
  const width = Math.max(760, ...rows.map(({ path }) => rowWidth(path)));
  const height = TOP + Math.max(1, rows.length) * ROW_HEIGHT + 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" class="paths" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>evdiag leaks</title><style>${COLORS}${PICTURE_STYLE}.paths .background{fill:var(--bg);stroke:none}</style>
<rect class="background" width="${width}" height="${height}"/>
<text x="${LEFT}" y="30" class="bold">${escapeHtml(headline(report))}</text>
<text x="${LEFT}" y="50" class="dim">${escapeHtml(snapshotText(report))}</text>
${rows.map((suspect, i) => row(suspect, TOP + i * ROW_HEIGHT, most(rows))).join('\n')}
</svg>
`;
}

/** The picture of one suspect, for a page that has COLORS and PICTURE_STYLE. */
export function pathSvg(suspect: Suspect, mostBytes: number): string {
  const width = rowWidth(suspect.path);
  return `<svg class="paths" viewBox="0 0 ${width} ${ROW_HEIGHT}" width="${width}" height="${ROW_HEIGHT}" role="img" aria-label="retaining path">${row(suspect, 16, mostBytes)}</svg>`;
}

export const most = (suspects: readonly Suspect[]): number =>
  Math.max(1, ...suspects.map(({ path, bytes }) => path[0]?.bytes ?? bytes));

function shownSteps(path: readonly PathStep[]): (PathStep | null)[] {
  return path.length > MAX_STEPS ? [...path.slice(0, MAX_STEPS - 2), null, path.at(-1)!] : [...path];
}

function rowWidth(path: readonly PathStep[]): number {
  return LEFT * 2 + BOX.first + (shownSteps(path).length - 1) * (BOX.gap + BOX.width);
}

function row(suspect: Suspect, top: number, mostBytes: number): string {
  const steps = shownSteps(suspect.path);
  const parts = steps.map((step, i) => {
    const left = LEFT + (i === 0 ? 0 : BOX.first + BOX.gap + (i - 1) * (BOX.width + BOX.gap));
    const lines = i === 0 ? holderLines(suspect) : stepLines(step);
    return `${i === 0 ? '' : link(left, top, step, suspect, mostBytes)}${box(left, top, i === 0, lines)}`;
  });
  return `<g class="${suspect.confidence}">${parts.join('')}</g>`;
}

function holderLines(suspect: Suspect): string[] {
  const bytes = formatBytes(suspect.bytes);
  const room = Math.floor((BOX.first - 16) / CHARACTER) - bytes.length - 2;
  const place = namedPlace(suspect.place);
  // The end of a long path is more informative.
  const end = place.length > room ? `…${place.slice(1 - room)}` : place;
  return [suspect.holder, `${bytes}  ${end}`.trim()];
}

function stepLines(step: PathStep | null): string[] {
  if (step === null) return ['…', ''];
  const row = step.repeats > 1 ? `${step.repeats} in a row` : '';
  const bytes = step.bytes === null ? '' : formatBytes(step.bytes);
  return [step.name, [bytes, row].filter((text) => text !== '').join(', ')];
}

function box(left: number, top: number, isHolder: boolean, [name = '', below = '']: string[]): string {
  const width = isHolder ? BOX.first : BOX.width;
  const kind = isHolder ? ' class="holder"' : '';
  const full = `${name}\n${below}`;
  return `<g><title>${escapeHtml(full)}</title><rect${kind} x="${left}" y="${top}" width="${width}" height="${BOX.height}" rx="4"/><text x="${left + 10}" y="${top + 19}" class="bold">${clip(name, width)}</text><text x="${left + 10}" y="${top + 36}" class="dim">${clip(below, width)}</text></g>`;
}

function link(left: number, top: number, step: PathStep | null, suspect: Suspect, mostBytes: number): string {
  const bytes = step?.bytes ?? suspect.bytes / Math.max(1, suspect.count);
  const share = Math.min(1, Math.sqrt(Math.max(0, bytes) / mostBytes));
  const thickness = (LINE.least + share * (LINE.most - LINE.least)).toFixed(1);
  const y = top + BOX.height / 2;
  const label = step?.via
    ? `<text x="${left - BOX.gap / 2}" y="${top - 3}" text-anchor="middle" class="dim">${clip(step.via, BOX.gap + 60)}</text>`
    : '';
  return `<path d="M${left - BOX.gap} ${y}H${left}" stroke-width="${thickness}"/>${label}`;
}

function clip(text: string, width: number): string {
  const room = Math.floor((width - 16) / CHARACTER);
  const clean = stripControl(text);
  return escapeHtml(clean.length > room ? `${clean.slice(0, room - 1)}…` : clean);
}
