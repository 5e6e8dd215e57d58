import type { Finding } from '../../detectors/types.ts';
import { reduce } from './reduce.ts';
import { guiltyLinesOf, remedyOf } from './remedy.ts';
import { type Screen, screenOf } from './screen.ts';
import { initialState } from './state.ts';
import { figureLines } from './tabs/figures.ts';
import { SEVERITY_TONE } from './tabs/findings.ts';
import { inShort } from './tabs/overview.ts';
import { fitLine, line, lineColumns, paragraph, span } from './text.ts';
import type { Action, Effect, Line, Moment, Span, State, Tab, Tools } from './types.ts';

export const VARIANTS = ['broken', 'fixed'] as const;
export type Variant = (typeof VARIANTS)[number];

/** The scenario: a sick program and its cure. */
export interface Play {
  id: string;
  title: string;
  description: string;
  expect: readonly { rule: string; kind: string }[];
  /** Text of the file that holds both variants. */
  source: string;
}

export interface TheatreState {
  play: Play;
  /** Null before a variant has begun. */
  headlines: Readonly<Record<Variant, string | null>>;
  broken: State;
  fixed: State;
  /** The one to which keys apply; shown alone if there is no room for both. */
  active: Variant;
  columns: number;
}

/** An action for one variant only. */
export type TheatreAction =
  | Action
  | { type: 'variant'; variant: Variant; action: Action }
  | { type: 'headline'; variant: Variant; text: string };

/** The variant that it belongs to. */
export type TheatreEffect = Effect & { variant: Variant };

/** From this width on, both variants are side by side. */
const PANES = 160;
/** Lines around a guilty one. */
const AROUND = 7;
const LIVE_FIGURES = ['loop delay', 'loop busy', 'heap', 'pending'];

export function initialTheatre(play: Play, columns: number, rows: number): TheatreState {
  const state = (variant: Variant): State => {
    const size = sizeOf(columns, rows);
    const tabs = [sceneTab(play, variant), remedyTab(play)];
    return { ...initialState('live', `${play.id}, ${variant}`, size.columns, size.rows, tabs), tab: 'scene' };
  };
  return {
    play,
    headlines: { broken: null, fixed: null },
    broken: state('broken'),
    fixed: state('fixed'),
    active: 'broken',
    columns,
  };
}

function sizeOf(columns: number, rows: number): { columns: number; rows: number } {
  return { columns: columns >= PANES ? Math.floor((columns - 1) / 2) : columns, rows: rows - 1 };
}

/** Keys apply to both variants, so that both show the same; their effects count once. */
export function reduceTheatre(
  theatre: TheatreState,
  action: TheatreAction,
  excerpt: Tools['excerpt'],
): { state: TheatreState; effects: TheatreEffect[] } {
  if (action.type === 'headline') {
    return { state: { ...theatre, headlines: { ...theatre.headlines, [action.variant]: action.text } }, effects: [] };
  }
  if (action.type === 'variant') {
    const { state, effects } = reduce(theatre[action.variant], action.action, excerpt);
    return {
      state: { ...theatre, [action.variant]: state },
      effects: effects.map((effect) => ({ ...effect, variant: action.variant })),
    };
  }
  if (action.type === 'key' && action.key === 'b' && !theatre[theatre.active].typing) {
    return { state: { ...theatre, active: other(theatre.active) }, effects: [] };
  }
  const size = action.type === 'size' ? { ...action, ...sizeOf(action.columns, action.rows) } : action;
  const mine = reduce(theatre[theatre.active], size, excerpt);
  const others = reduce(theatre[other(theatre.active)], size, excerpt);
  const columns = action.type === 'size' ? action.columns : theatre.columns;
  const state = { ...theatre, columns, [theatre.active]: mine.state, [other(theatre.active)]: others.state };
  const own = others.effects.filter(({ type }) => type === 'marks' || type === 'judge');
  return {
    state,
    effects: [
      ...mine.effects.map((effect) => ({ ...effect, variant: theatre.active })),
      ...own.map((effect) => ({ ...effect, variant: other(theatre.active) })),
    ],
  };
}

function other(variant: Variant): Variant {
  return variant === 'broken' ? 'fixed' : 'broken';
}

/** Both variants side by side, or the active one. */
export function theatreScreen(theatre: TheatreState, excerpt: Tools['excerpt']): Screen {
  const { active, columns } = theatre;
  const panes = columns >= PANES ? VARIANTS : [active];
  const screens = panes.map((variant) => screenOf(theatre[variant], excerpt));
  const width = sizeOf(columns, 0).columns;
  const head = panes.flatMap(
    (variant, i): Line => [...(i > 0 ? [span('│', 'dim')] : []), ...filled(title(theatre, variant), width)],
  );
  const rows = screens[0]!.lines.map((_, row) =>
    screens.flatMap(({ lines }, i): Span[] => [
      ...(i > 0 ? [span('│', 'dim')] : []),
      ...(panes.length > 1 ? filled(lines[row]!, width) : lines[row]!),
    ]),
  );
  const targets = screens.flatMap((screen, i) =>
    screen.targets.map((target) => ({
      ...target,
      row: target.row + 1,
      from: target.from + i * (width + 1),
      to: target.to + i * (width + 1),
    })),
  );
  const { shown, total } = screens[0]!;
  return { lines: [head, ...rows], targets, shown, total };
}

function filled(spans: Line, width: number): Line {
  const cut = fitLine(spans, width);
  const used = lineColumns(cut);
  return used < width ? [...cut, span(' '.repeat(width - used))] : cut;
}

function title({ play, headlines, active, columns }: TheatreState, variant: Variant): Line {
  // The pane says which program and which variant it is.
  const says = (headlines[variant] ?? 'waits for its turn').replace(`${play.id} (${variant}): `, '');
  const keys = columns < PANES ? `b: ${other(variant)}` : variant === active ? '● keys' : 'b: keys here';
  return [
    span(` ${variant.toUpperCase()} `, variant === 'broken' ? 'bad' : 'good'),
    span(` ${says} `, 'strong'),
    span(` ${keys}  ${play.title}`, 'dim'),
  ];
}

// ── the tabs that only a scenario has ──

function sceneTab(play: Play, variant: Variant): Tab {
  return {
    id: 'scene',
    title: 'Scene',
    columns: [{ title: 'what' }],
    sortColumn: 0,
    empty: () => '',
    items: () => [],
    summary: (moment, tools) => [
      ...paragraph(play.description, tools.columns),
      line(''),
      ...(variant === 'broken' ? expectation(play, moment) : cure(moment)),
      line(''),
      ...figureLines(moment.chosen, tools.columns, LIVE_FIGURES),
      line(''),
      ...(variant === 'broken'
        ? [...codeLines(play.source), ...foundLines(play, moment, tools)]
        : remedyLines(play.source)),
    ],
  };
}

function expectation({ expect }: Play, moment: Moment): Line[] {
  if (expect.length === 0) return [line('This program is healthy: nothing should be found.', 'good')];
  return expect.map(({ rule, kind }): Line => {
    const found = moment.report?.findings.find((finding) => finding.rule === rule && finding.kind === kind);
    return found
      ? [span('✗ found: ', SEVERITY_TONE[found.severity]), span(`${rule} (${kind})`, 'strong')]
      : [span('… to be found: ', 'dim'), span(`${rule} (${kind})`)];
  });
}

function cure(moment: Moment): Line[] {
  const alarm = moment.report?.findings.find(({ severity }) => severity !== 'info');
  if (alarm) return [line(`✗ ${alarm.message}`, SEVERITY_TONE[alarm.severity])];
  return [line('✓ Fixed: nothing to act on. What the fix changes:', 'good')];
}

/** The guilty place: what the finding names, so that it can be compared. */
function codeLines(source: string): Line[] {
  const guilty = guiltyLinesOf(source);
  const lines = source.split('\n');
  const digits = String(lines.length).length;
  return lines.flatMap((text, i): Line[] => {
    if (!guilty.some((at) => Math.abs(at - 1 - i) <= AROUND) || text.startsWith('import ')) return [];
    const isGuilty = guilty.includes(i + 1);
    return [
      [
        span(`${isGuilty ? '>' : ' '} ${String(i + 1).padStart(digits)} │ `, isGuilty ? 'bad' : 'dim'),
        span(text, isGuilty ? 'strong' : 'plain'),
      ],
    ];
  });
}

function foundLines({ expect }: Play, moment: Moment, tools: Tools): Line[] {
  const isExpected = ({ rule, kind }: Finding): boolean => expect.some((one) => one.rule === rule && one.kind === kind);
  const found = moment.report?.findings.find(isExpected);
  // Its source is right above.
  return found ? [line(''), ...inShort(found, tools)] : [];
}

function remedyTab(play: Play): Tab {
  return {
    id: 'remedy',
    title: 'Remedy',
    columns: [{ title: 'what' }],
    sortColumn: 0,
    empty: () => '',
    items: () => [],
    summary: () => [line('From broken (-) to fixed (+)', 'strong'), line(''), ...remedyLines(play.source)],
  };
}

function remedyLines(source: string): Line[] {
  return remedyOf(source).map(({ kind, text }) => {
    const mark = kind === 'gone' ? '-' : kind === 'new' ? '+' : ' ';
    return line(`${mark} ${text}`, kind === 'gone' ? 'warn' : kind === 'new' ? 'good' : 'dim');
  });
}
