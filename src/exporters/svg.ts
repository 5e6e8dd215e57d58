import { childLists, shortLabel, totalsOf } from '../profile/call-tree.ts';
import { formatWeight, takenText } from '../profile/taken-text.ts';
import type { Profile, ProfileCategory, ThreadProfile } from '../profile/types.ts';
import { escapeHtml } from '../util/html.ts';
import { withoutIdle } from './html.ts';
import type { Exporter } from './types.ts';

const WIDTH = 1200;
const ROW = 18;
const HEAD = 44;
/** Of a character of the font, so that a label fits its frame. */
const CHAR = 6.6;
/** Narrower frames show nothing. */
const LEAST_WIDTH = 0.4;
const MAX_ROWS = 250;
const MAX_RECTS = 30_000;
/** A share of all that is as hot as it gets. */
const HOTTEST = 0.2;

const CLASSES: Record<ProfileCategory, string> = {
  application: 'app',
  dependency: 'deps',
  node: 'core',
  native: 'v8',
  v8: 'v8',
  gc: 'gc',
  idle: 'v8',
};
const LEGEND: [string, string][] = [
  ['app', 'application'],
  ['deps', 'dependencies'],
  ['core', 'Node'],
  ['v8', 'V8 and native'],
  ['gc', 'collector'],
];
const STYLE = `svg{font:12px ui-monospace,monospace}.t{font:600 14px ui-monospace,monospace}text{fill:#1c2128}.bg,.u{fill:#fff}.d{fill:#5b6470}
.app{fill:hsl(24 92% 70%)}.deps{fill:hsl(210 68% 76%)}.core{fill:hsl(150 40% 74%)}.v8{fill:hsl(275 42% 80%)}.gc{fill:hsl(330 65% 78%)}
rect.f{stroke:#fff;stroke-width:.6}@media(prefers-color-scheme:dark){.bg{fill:#12161b}.d{fill:#96a0ac}.t{fill:#dfe5ec}rect.f{stroke:#12161b}}`;

/** A flamegraph that is a picture: no script, readable where it is embedded. Hover tells place and weight. Idle time is left out. */
export const svg: Exporter = {
  id: 'svg',
  title: 'flamegraph as a picture',
  extension: 'svg',
  mediaType: 'image/svg+xml',
  write(profile) {
    const parts: string[] = [];
    let top = HEAD;
    for (const thread of profile.threads) {
      const { text, rows } = threadPart(withoutIdle(thread), profile, top);
      parts.push(text);
      top += rows * ROW + ROW;
    }
    const legend = LEGEND.map(
      ([name, label], i) =>
        `<rect class="${name}" x="${700 + i * 102}" y="26" width="11" height="11"/><text class="d" x="${715 + i * 102}" y="36">${label}</text>`,
    );
    return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}"><style>${STYLE}</style>
<rect class="bg" width="${WIDTH}" height="${top}"/><text class="t" x="8" y="18">${escapeHtml(cut(profile.title, 120))}</text>
<text class="d" x="8" y="36">${escapeHtml(cut(takenText(profile), 95))}</text>${legend.join('')}
${parts.join('\n')}
</svg>
`;
  },
};

/** The frames of a thread, callers above what they call. */
function threadPart(thread: ThreadProfile, { unit }: Profile, top: number): { text: string; rows: number } {
  const totals = totalsOf(thread);
  const all = totals[0]!;
  const { first, next } = childLists(thread);
  const rects: string[] = [];
  let rows = 1;
  const open: { node: number; x: number; row: number }[] = [{ node: 0, x: 0, row: 0 }];
  for (let item = open.pop(); item && rects.length < MAX_RECTS; item = open.pop()) {
    const { node, row } = item;
    const width = all > 0 ? (totals[node]! / all) * WIDTH : 0;
    if (width < LEAST_WIDTH || row >= MAX_ROWS) continue;
    rows = Math.max(rows, row + 1);
    rects.push(
      rect(
        thread,
        node,
        item.x,
        top + row * ROW,
        width,
        `${formatWeight(totals[node]!, unit)} (${((100 * totals[node]!) / all).toFixed(1)} %), self ${formatWeight(thread.self[node]!, unit)}`,
        all > 0 ? thread.self[node]! / all : 0,
      ),
    );
    let x = item.x;
    for (let child = first[node]!; child >= 0; child = next[child]!) {
      open.push({ node: child, x, row: row + 1 });
      x += all > 0 ? (totals[child]! / all) * WIDTH : 0;
    }
  }
  return { text: rects.join('\n'), rows };
}

function rect(
  thread: ThreadProfile,
  node: number,
  x: number,
  y: number,
  width: number,
  weight: string,
  selfShare: number,
): string {
  const frame = thread.frames[thread.frame[node]!];
  const label = frame ? shortLabel(frame) : thread.name;
  const place = frame?.file ? `${frame.file}${frame.line > 0 ? `:${frame.line}` : ''}` : '';
  const heat = 0.45 + 0.55 * Math.sqrt(Math.min(1, selfShare / HOTTEST));
  const chars = Math.floor((width - 6) / CHAR);
  const text =
    chars >= 3 ? `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escapeHtml(cut(label, chars))}</text>` : '';
  const kind = frame ? CLASSES[frame.category] : 'v8';
  return `<g><title>${escapeHtml(cut(label, 300))}${place && `\n${escapeHtml(cut(place, 300))}`}\n${weight}</title><rect class="u" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW}"/><rect class="f ${kind}" fill-opacity="${frame ? heat.toFixed(2) : '.3'}" x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW}"/>${text}</g>`;
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;
}
