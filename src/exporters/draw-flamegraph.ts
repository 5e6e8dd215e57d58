/** Draws the flamegraph of a profile as a picture: no script, readable when embedded. Hovering shows place and weight. */
import { childLists, shortLabel, totalsOf, withoutIdle } from '../profile/call-tree.ts';
import { formatWeight } from '../profile/taken-text.ts';
import type { Profile, ThreadProfile } from '../profile/types.ts';
import { escapeHtml } from '../util/html.ts';

const WIDTH = 1200;
const ROW = 18;
const HEAD = 44;
/** Width of a character, so that a label fits its frame. */
const CHAR = 7.3;
/** Narrower frames are not drawn. */
const LEAST_WIDTH = 0.4;
const MAX_ROWS = 250;
const MAX_RECTS = 30_000;

const STYLE = `svg{font:12px ui-monospace,monospace}.t{font:600 14px ui-monospace,monospace}text{fill:#1c2128}.bg,.u{fill:#fff}.d{fill:#5b6470}
.app{fill:hsl(24 92% 70%)}.deps{fill:hsl(210 68% 76%)}.core{fill:hsl(150 40% 74%)}.v8{fill:hsl(275 42% 80%)}.gc{fill:hsl(330 65% 78%)}
.more{fill:hsl(12 85% 66%)}.less{fill:hsl(215 75% 66%)}.same{fill:hsl(210 8% 88%)}
rect.f{stroke:#fff;stroke-width:.6}@media(prefers-color-scheme:dark){.bg{fill:#12161b}.d{fill:#96a0ac}.t{fill:#dfe5ec}rect.f{stroke:#12161b}}`;

/** How a frame is painted. */
interface Paintwork {
  /** One of the classes of the style. */
  kind: 'app' | 'deps' | 'core' | 'v8' | 'gc' | 'more' | 'less' | 'same';
  /** 0..1 */
  opacity: number;
  /** Another line of the hover text. */
  note?: string;
}

export interface Drawing {
  profile: Profile;
  title: string;
  /** Below the title. */
  facts: string;
  legend: readonly (readonly [Paintwork['kind'], string])[];
  /** Of a thread, what its nodes look like; `all` is its whole weight. */
  paint(thread: ThreadProfile, index: number): (node: number, all: number) => Paintwork;
}

/** The SVG; idle time is left out. */
export function drawFlamegraph({ profile, title, facts, legend, paint }: Drawing): string {
  const parts: string[] = [];
  let top = HEAD;
  profile.threads.forEach((thread, index) => {
    const awake = withoutIdle(thread);
    const { text, rows } = threadPart(awake, profile.unit, top, paint(awake, index));
    parts.push(text);
    top += rows * ROW + ROW;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeHtml(cut(title, 120))}" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}"><style>${STYLE}</style>
<rect class="bg" width="${WIDTH}" height="${top}"/><text class="t" x="8" y="18">${escapeHtml(cut(title, 120))}</text>
<text class="d" x="8" y="36">${escapeHtml(cut(facts, 85))}</text>${legendText(legend)}
${parts.join('\n')}
</svg>
`;
}

/** At the right edge, in one row. */
function legendText(legend: Drawing['legend']): string {
  const entries: string[] = [];
  let right = WIDTH;
  for (const [name, label] of legend.toReversed()) {
    right -= label.length * CHAR + 30;
    const [box, text] = [right.toFixed(1), (right + 15).toFixed(1)];
    entries.push(
      `<rect class="${name}" x="${box}" y="26" width="11" height="11"/><text class="d" x="${text}" y="36">${label}</text>`,
    );
  }
  return entries.join('');
}

/** The frames of a thread, callers above what they call. */
function threadPart(
  thread: ThreadProfile,
  unit: Profile['unit'],
  top: number,
  paint: (node: number, all: number) => Paintwork,
): { text: string; rows: number } {
  const totals = totalsOf(thread);
  const all = totals[0]!;
  const { first, next } = childLists(thread);
  const rects: string[] = [];
  let rows = 1;
  const open: { node: number; x: number; row: number }[] = [{ node: 0, x: 0, row: 0 }];
  for (let item = open.pop(); item && all > 0 && rects.length < MAX_RECTS; item = open.pop()) {
    const { node, row } = item;
    const width = (totals[node]! / all) * WIDTH;
    if (width < LEAST_WIDTH || row >= MAX_ROWS) continue;
    rows = Math.max(rows, row + 1);
    const share = ((100 * totals[node]!) / all).toFixed(1);
    const weight = `${formatWeight(totals[node]!, unit)} (${share} %), self ${formatWeight(thread.self[node]!, unit)}`;
    rects.push(rect(thread, node, { x: item.x, y: top + row * ROW, width }, weight, paint(node, all)));
    let x = item.x;
    for (let child = first[node]!; child >= 0; child = next[child]!) {
      open.push({ node: child, x, row: row + 1 });
      x += (totals[child]! / all) * WIDTH;
    }
  }
  return { text: rects.join('\n'), rows };
}

function rect(
  thread: ThreadProfile,
  node: number,
  { x, y, width }: { x: number; y: number; width: number },
  weight: string,
  { kind, opacity, note = '' }: Paintwork,
): string {
  const frame = thread.frames[thread.frame[node]!];
  const label = frame ? shortLabel(frame) : thread.name;
  const place = frame?.file ? `${frame.file}${frame.line > 0 ? `:${frame.line}` : ''}` : '';
  const chars = Math.floor((width - 6) / CHAR);
  const text =
    chars >= 3 ? `<text x="${(x + 3).toFixed(1)}" y="${y + 13}">${escapeHtml(cut(label, chars))}</text>` : '';
  const lines = [cut(label, 300), cut(place, 300), weight, note].filter(Boolean).map(escapeHtml);
  const box = `x="${x.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${ROW}"`;
  return `<g><title>${lines.join('\n')}</title><rect class="u" ${box}/><rect class="f ${kind}" fill-opacity="${opacity.toFixed(2)}" ${box}/>${text}</g>`;
}

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, Math.max(0, length - 1))}…` : text;
}
