/** What Enter shows of a function. */
import { frameName } from '../../../profile/call-tree.ts';
import { formatWeight } from '../../../profile/taken-text.ts';
import type { ProfileFrame, ProfileUnit, ThreadProfile } from '../../../profile/types.ts';
import { placeText } from '../../../util/place-text.ts';
import { displayPath, formatShare, stripControl } from '../../../util/text.ts';
import { factLines } from '../facts.ts';
import { line, span } from '../text.ts';
import type { Line, Tools } from '../types.ts';
import { type Related, type Relations, relationsOf } from './relations.ts';

const MAX_LINES = 4;
const LINE_DIGITS = 4;
const MAX_RELATED = 6;
/** This many calls of the heaviest path around the function. */
const MAX_PATH = { above: 10, below: 10 } as const;
/** A line of source with a smaller share of its function's own time is not informative. */
const LEAST_LINE_SHARE = 0.03;

/** Each frame uses them many times: made once for a function and a width. */
const made = new WeakMap<ThreadProfile, { key: string; lines: Line[] }>();

export function functionDetails(thread: ThreadProfile, frame: ProfileFrame, unit: ProfileUnit, tools: Tools): Line[] {
  const key = `${frameName(frame)} ${frame.file}:${frame.line}:${frame.column} ${tools.columns}`;
  const known = made.get(thread);
  if (known?.key === key) return known.lines;
  const lines = detailLines(thread, frame, unit, tools);
  made.set(thread, { key, lines });
  return lines;
}

function detailLines(thread: ThreadProfile, frame: ProfileFrame, unit: ProfileUnit, tools: Tools): Line[] {
  const relations = relationsOf(thread, frame);
  const all = allOf(thread);
  const of = (weight: number): string => `${formatWeight(weight, unit)}, ${formatShare(all > 0 ? weight / all : 0)}`;
  const { file, line: first, column } = frame;
  const place = file === '' ? frameName(frame) : placeText({ file, line: first, column, function: frame.function });
  return [
    line(place, 'accent'),
    ...factLines(
      [
        ['itself', of(relations.self)],
        ['with what it calls', of(relations.total)],
        ['category', frame.category],
      ],
      tools.columns,
    ),
    ...sourceLines(thread, frame, relations.self, unit, tools),
    ...relatedLines('Called by', relations.callers, relations.total, thread, unit),
    ...relatedLines('Calls', relations.callees, relations.total, thread, unit),
    ...pathLines(relations, thread, unit),
  ];
}

/** Without idle time. */
function allOf({ self, frame, frames }: ThreadProfile): number {
  let all = 0;
  for (let node = 1; node < self.length; node++) if (frames[frame[node]!]!.category !== 'idle') all += self[node]!;
  return all;
}

/** The hottest lines, each with those around it. */
function sourceLines(
  thread: ThreadProfile,
  frame: ProfileFrame,
  self: number,
  unit: ProfileUnit,
  { excerpt }: Tools,
): Line[] {
  const hot = hotLines(thread, frame).filter(({ weight }) => weight >= LEAST_LINE_SHARE * self);
  if (frame.file === '' || self === 0) return [];
  if (hot.length === 0) {
    const why = thread.lines === null ? [line('V8 reports no lines for this part of the profile.', 'dim')] : [];
    const source = excerpt({ ...frame }).map((one) => excerptLine(one, ''));
    return why.length + source.length === 0 ? [] : [line(''), ...why, ...source];
  }
  const shown = hot.slice(0, MAX_LINES);
  return [
    line(''),
    line('Hottest lines, with their share of its own time', 'strong'),
    ...shown.flatMap(({ number, weight }, i): Line[] => {
      const share = `${formatShare(weight / self).padStart(6)} ${formatWeight(weight, unit).padStart(8)}`;
      const source = excerpt({ file: frame.file, line: number, column: 1, function: frame.function });
      const gap = i > 0 && source.length > 1 ? [line('')] : [];
      if (source.length === 0) return [[span(share), span(`  ${displayPath(stripControl(frame.file))}:${number}`)]];
      return [...gap, ...source.map((one) => excerptLine(one, one.guilty ? share : ''))];
    }),
  ];
}

function excerptLine({ line: number, text, guilty }: ReturnType<Tools['excerpt']>[number], share: string): Line {
  return [
    span(share.padEnd(17)),
    span(`${guilty ? '>' : ' '} ${String(number).padStart(LINE_DIGITS)} │ `, guilty ? 'bad' : 'dim'),
    span(text, guilty ? 'strong' : 'dim'),
  ];
}

function hotLines({ lines, frame, frames }: ThreadProfile, wanted: ProfileFrame): { number: number; weight: number }[] {
  const weights = new Map<number, number>();
  for (let i = 0; lines && i < lines.node.length; i++) {
    const its = frames[frame[lines.node[i]!]!];
    if (!its || its.file !== wanted.file || its.line !== wanted.line || its.column !== wanted.column) continue;
    const number = lines.line[i]!;
    weights.set(number, (weights.get(number) ?? 0) + lines.weight[i]!);
  }
  return [...weights].map(([number, weight]) => ({ number, weight })).sort((a, b) => b.weight - a.weight);
}

function relatedLines(
  title: string,
  related: readonly Related[],
  total: number,
  { frames }: ThreadProfile,
  unit: ProfileUnit,
): Line[] {
  const shown = related.filter(({ frame }) => frame >= 0).slice(0, MAX_RELATED);
  if (shown.length === 0) return [];
  const more = related.length > shown.length ? [line(`  and ${related.length - shown.length} more`, 'dim')] : [];
  return [
    line(''),
    line(title, 'strong'),
    ...shown.map(({ frame, weight }): Line => {
      const share = `${formatShare(total > 0 ? weight / total : 0).padStart(6)} ${formatWeight(weight, unit).padStart(8)}`;
      return [span(`${share}  `), ...frameSpans(frames[frame]!)];
    }),
    ...more,
  ];
}

function pathLines({ path, at, totals }: Relations, { frame, frames }: ThreadProfile, unit: ProfileUnit): Line[] {
  if (path.length < 2) return [];
  const first = Math.max(0, at - MAX_PATH.above);
  const shown = path.slice(first, at + 1 + MAX_PATH.below);
  const above = first > 0 ? [line(`  ${first} more above`, 'dim')] : [];
  return [
    line(''),
    line('Heaviest path, outermost first', 'strong'),
    ...above,
    ...shown.map((node, i): Line => {
      const its = frames[frame[node]!]!;
      const isIt = first + i === at;
      return [
        span(formatWeight(totals[node]!, unit).padStart(8)),
        span(`  ${isIt ? '>' : ' '} `, 'bad'),
        ...frameSpans(its, isIt),
      ];
    }),
  ];
}

function frameSpans(frame: ProfileFrame, isIt = false): Line {
  const place = frame.file === '' ? '' : ` ${displayPath(stripControl(frame.file))}:${frame.line}`;
  const tone = frame.category === 'application' ? 'accent' : 'dim';
  return [span(frameName(frame), isIt ? 'strong' : tone), span(place, 'dim')];
}
