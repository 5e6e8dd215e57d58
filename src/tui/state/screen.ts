import { basename } from 'node:path';
import { fullThreadName } from '../../recording/thread-name.ts';
import type { RowOf } from '../../recording/types.ts';
import { commandText } from '../../report/words.ts';
import { displayPath, formatMs, formatShare, plural } from '../../util/text.ts';
import { footer } from './footer.ts';
import { helpLines } from './help.ts';
import { endOf, threadKey } from './moment.ts';
import { lastOf } from './rows.ts';
import { NEEDS, shownItems, tableOf, tabOf, tabsOf } from './state.ts';
import { type Body, type Target, table } from './table.ts';
import { fitLine, line, paragraph, span } from './text.ts';
import type { Item, Line, Moment, Span, State, Tools } from './types.ts';

export interface Screen {
  /** As many as the terminal has rows, none wider than the terminal. */
  lines: readonly Line[];
  targets: readonly Target[];
  /** Lines of the list or text that fitTo, and how many there are. */
  shown: number;
  total: number;
}

type Excerpt = Tools['excerpt'];

/** Titles of tabs, the shorter ones if there is no room. */
const TITLES: readonly ((title: string, digit: number) => string)[] = [
  (title, digit) => ` ${digit} ${title} `,
  (title, digit) => `${digit} ${title} `,
  (title, digit) => ` ${digit} ${title.slice(0, 4)} `,
  (title, digit) => `${digit} ${title.slice(0, 4)} `,
];

/** Everything on the screen. Pure: the same state gives the same screen. */
export function screenOf(state: State, excerpt: Excerpt): Screen {
  const { columns, rows } = state;
  if (columns < NEEDS.columns || rows < NEEDS.rows) return tooSmall(state);
  const targets: Target[] = [];
  const head: Line[] = [...headerLines(state), tabLine(state, targets, 2), ...warningLines(state)];
  if (state.mode === 'replay' || !state.following) head.push(timeline(state, targets, head.length));
  const height = rows - head.length - 1;
  const body = bodyOf(state, height, head.length, excerpt, targets);
  const lines = [...head, ...body.lines];
  while (lines.length < rows - 1) lines.push([]);
  lines.push(footer(state));
  return { ...body, lines: lines.slice(0, rows).map((spans) => fitLine(spans, columns)), targets };
}

function tooSmall({ columns, rows }: State): Screen {
  const words = [
    `The terminal is too small: evdiag needs ${NEEDS.columns} × ${NEEDS.rows}, it has ${columns} × ${rows}.`,
    'q quits.',
  ];
  const text = words.join(' ');
  const lines = Array.from({ length: rows }, (_, i) => line(text.slice(i * columns, (i + 1) * columns), 'warn'));
  return { lines, targets: [], shown: 0, total: 0 };
}

function headerLines(state: State): Line[] {
  const { moment, mode, ended, atMs, following } = state;
  const name = span(' evdiag ', 'selected');
  if (!moment) {
    const waits = ended ? '■ ended' : 'waiting for the first rows …';
    return [[name, span(` ${state.subject} `), span(waits, 'dim')], []];
  }
  const { chosen } = moment;
  const { header } = chosen;
  const level = lastOf(chosen, 'level')?.level ?? header.level;
  const link = ended ? '■ ended' : mode === 'replay' ? '↻ replay' : following ? '● live' : '‖ paused';
  const cost = lastOf(chosen, 'agent-cost');
  const costText =
    cost && cost.intervalMs > 0
      ? `agent ${formatShare(cost.mainThreadMs / cost.intervalMs)} of the thread${cost.watchdogMs === null ? '' : `, ${formatShare(cost.watchdogMs / cost.intervalMs)} of another core`}`
      : chosen.foreign
        ? `recorded by ${header.evdiagVersion}`
        : 'agent cost not known yet';
  const dropped = state.recordings.reduce((sum, { droppedRows }) => sum + droppedRows, 0);
  const [node = '', ...args] = header.argv;
  return [
    [
      name,
      span(` ${link} `, ended ? 'warn' : 'good'),
      span(`${commandText([basename(node), ...args])} `, 'strong'),
      span(
        `${fullThreadName(header)}${ofHowMany(moment)} · up ${formatMs(atMs)}${chosen.foreign ? '' : ` · level ${level}`} · Node.js ${header.nodeVersion.replace(/^v/, '')}`,
      ),
    ],
    [
      span(
        ` ${costText} · ${plural(dropped, 'row')} dropped${chosen.path ? ` · ${displayPath(chosen.path)}` : ''}`,
        'dim',
      ),
    ],
  ];
}

/** " (2 of 4)", if there are several. */
function ofHowMany({ recordings, chosen }: Moment): string {
  const keys = recordings.map(({ header }) => threadKey(header));
  return keys.length < 2 ? '' : ` (${keys.indexOf(threadKey(chosen.header)) + 1} of ${keys.length})`;
}

function tabLine(state: State, targets: Target[], row: number): Line {
  const spans: Span[] = [];
  let x = 0;
  const all = tabsOf(state);
  const texts = TITLES.map((title) => all.map((tab, i) => title(tab.title, i + 1)));
  const fitting = texts.find((some) => some.join('').length <= state.columns) ?? texts.at(-1)!;
  all.forEach(({ id }, i) => {
    const text = fitting[i]!;
    spans.push(span(text, id === state.tab ? 'selected' : 'plain'));
    targets.push({ row, from: x, to: x + text.length, action: { type: 'tab', id } });
    x += text.length;
  });
  return spans;
}

/** Only if there is something to warn of. */
function warningLines({ moment, ended, recordings }: State): Line[] {
  const warnings: string[] = [];
  const end = recordings[0] && lastOf(recordings[0], 'end');
  if (ended) warnings.push(end ? endText(end) : ended);
  if (recordings.some(({ truncated }) => truncated)) warnings.push('The recording is cut off at its end.');
  const skipped = recordings.reduce((sum, { skippedLines }) => sum + skippedLines, 0);
  if (skipped > 0) warnings.push(`${plural(skipped, 'line')} of the recording not understood.`);
  const error = moment && lastOf(moment.chosen, 'agent-error');
  if (error) warnings.push(`The agent failed: ${error.message}`);
  return warnings.length > 0 ? [line(`! ${warnings.join(' ')}`, 'warn')] : [];
}

function endText({ reason, exitCode, signal }: RowOf<'end'>): string {
  if (reason === 'detached') return 'The agent has left the process.';
  return signal ? `The process was ended by ${signal}.` : `The process has ended with exit code ${exitCode ?? '?'}.`;
}

/** The whole recording, what was found in it, and the position of the view. */
function timeline(state: State, targets: Target[], row: number): Line {
  const total = Math.max(1, endOf(state.recordings));
  const sign = state.mode === 'live' ? '‖' : state.playing ? '▶' : '‖';
  const speed = state.speed < 1 ? `1/${1 / state.speed}` : String(state.speed);
  const left = ` ${sign} ${formatMs(state.atMs)} `;
  const right = ` ${formatMs(total)}${state.mode === 'live' ? '' : ` ×${speed}`} `;
  const width = Math.max(1, state.columns - left.length - right.length);
  const cell = (ms: number): number => Math.min(width - 1, Math.max(0, Math.floor((ms / total) * width)));
  const bar: Span[] = Array.from({ length: width }, (_, i) => ({
    text: i <= cell(state.atMs) ? '━' : '─',
    tone: i <= cell(state.atMs) ? 'accent' : 'dim',
  }));
  // Each cell shows its worst mark.
  for (const severity of ['info', 'warning', 'critical'] as const) {
    for (const mark of (state.marks ?? []).filter((one) => one.finding.severity === severity)) {
      bar[cell(mark.atMs)] =
        severity === 'critical'
          ? { text: '✗', tone: 'bad' }
          : severity === 'warning'
            ? { text: '!', tone: 'warn' }
            : { text: '·', tone: 'plain' };
    }
  }
  for (let i = 0; i < width; i++) {
    const from = left.length + i;
    targets.push({ row, from, to: from + 1, action: { type: 'seek', share: i / Math.max(1, width - 1) } });
  }
  return [span(left, 'strong'), ...bar, span(right, 'dim')];
}

function bodyOf(state: State, height: number, row: number, excerpt: Excerpt, targets: Target[]): Body {
  const { overlay, moment, columns } = state;
  const tools: Tools = { columns: columns - 2, excerpt };
  if (overlay) {
    const { title, lines } = overlayLines(state, tools);
    return scrolled([line(` ${title} `, 'strong'), []], lines, overlay.top, height);
  }
  if (!moment) return { lines: [], shown: 0, total: 0 };
  const tab = tabOf(state);
  const summary = tab.summary(moment, tools).map(indented);
  const items = shownItems(state);
  const { filter, top } = tableOf(state);
  if (items.length === 0 && filter === '') {
    const empty = tab.empty(moment);
    const words = empty === '' ? [] : [[], ...paragraph(empty, columns - 1, 'dim', ' ')];
    return scrolled([], [...summary, ...words], top, height);
  }
  return table(state, summary, items, height, row, targets);
}

function scrolled(head: Line[], lines: readonly Line[], top: number, height: number): Body {
  const shown = Math.max(1, height - head.length);
  const first = Math.max(0, Math.min(top, lines.length - shown));
  return { lines: [...head, ...lines.slice(first, first + shown)], shown, total: lines.length };
}

function overlayLines(state: State, tools: Tools): { title: string; lines: Line[] } {
  const { overlay } = state;
  if (overlay?.kind === 'help') return { title: 'Keys (Esc closes)', lines: helpLines(tools.columns).map(indented) };
  if (overlay?.kind === 'text') {
    return { title: `${overlay.title} (Esc closes)`, lines: overlay.lines.map((text) => line(` ${text}`)) };
  }
  const item = selectedItem(state);
  if (!item) return { title: 'No longer there (Esc closes)', lines: [] };
  // The place comes first in the details.
  const name = item.name ?? (item.location ? 'details' : (item.cells(state.atMs).find((cell) => cell !== '') ?? ''));
  const title = `${tabOf(state).title}: ${name}`;
  return { title: `${title} (Esc closes)`, lines: item.details(tools).map(indented) };
}

function indented(spans: Line): Line {
  return [span(' '), ...spans];
}

/** The item that Enter would open. */
export function selectedItem(state: State): Item | undefined {
  const items = shownItems(state);
  const { index } = tableOf(state);
  return items[Math.min(index, items.length - 1)];
}
