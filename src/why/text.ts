/** What keeps threads alive, as text. */
import { packageNameOf } from '../recording/places.ts';
import { threadName } from '../recording/thread-name.ts';
import type { Location } from '../recording/types.ts';
import { lineText, placeText } from '../util/place-text.ts';
import { programLines } from '../util/source-lines.ts';
import type { Paint } from '../util/terminal.ts';
import { formatCount, formatMs, plural, stripControl } from '../util/text.ts';
import type { Alive, WhyThread } from './alive.ts';

const MAX_SOURCE = 100;
const MAX_SHORT = 10;

interface WhyTextOptions {
  paint: Paint;
}

/** For a terminal: each thing with its line, the source, what lay between, and the remedy. */
export function whyText(threads: readonly WhyThread[], options: WhyTextOptions): string {
  const lines = threads.flatMap((thread) => [...threadLines(thread, options), '']);
  const unknown = threads.some(({ followed, alive }) => !followed && alive.some(({ lineIs }) => lineIs !== 'made'));
  if (unknown) lines.push(options.paint(NOT_FOLLOWED, 'dim'), '');
  return `${lines.join('\n').trimEnd()}\n`;
}

const NOT_FOLLOWED =
  'Where things were made is known only in part: it was not followed. Start the program with EVDIAG_WHY=5s for all lines.';

function threadLines(thread: WhyThread, { paint }: WhyTextOptions): string[] {
  const { threadId, alive, more, problem } = thread;
  return [
    `${paint(threadName(threadId), 'bold')}  ${titleOf(thread)}`,
    ...alive.flatMap((one) => ['', ...aliveLines(one, paint)]),
    ...(more > 0 ? ['', `  … ${formatCount(more)} more, which were not looked at`] : []),
    ...(problem ? [`  ${paint(stripControl(problem), 'yellow')}`] : []),
  ];
}

function titleOf({ alive, more, state, runs, problem }: WhyThread): string {
  const total = alive.reduce((sum, { count }) => sum + count, more);
  if (state === 'ended') return 'has ended meanwhile';
  const running = runs ? `runs ${placeText(runs)}` : 'does not wait for events';
  if (total > 0) {
    const things = total === 1 ? '1 thing keeps it alive' : `${plural(total, 'thing')} keep it alive`;
    return state === 'running' && runs ? `${things}, and it ${running}` : things;
  }
  if (problem) return state === 'no-answer' ? 'does not answer' : 'not known';
  return state === 'idle'
    ? 'nothing keeps it alive: it ends now'
    : `nothing but what it does keeps it alive: it ${running}`;
}

const CALLED: Record<'made' | 'led' | 'calls', string> = {
  made: 'made at',
  led: 'started at',
  calls: 'calls',
};

function aliveLines(one: Alive, paint: Paint): string[] {
  const { line, lineIs, through, calls, ageMs, remedy } = one;
  const age = ageMs === null ? '' : `  ${paint(`for ${formatMs(ageMs)}`, 'dim')}`;
  const source = line ? sourceOf(line) : '';
  const others = calls.filter(
    ({ location }) => lineIs !== 'calls' || location.line !== line?.line || location.file !== line.file,
  );
  return [
    `  ${paint(nameOf(one), 'bold')}${age}`,
    line && lineIs
      ? `    ${CALLED[lineIs]} ${paint(placeText(line), 'cyan')}${lineIs === 'calls' ? ` on '${eventOf(one)}'` : ''}`
      : `    ${paint('no line of the program is known', 'dim')}`,
    ...(source ? [`      ${paint(source, 'dim')}`] : []),
    ...through.map(
      (place) => `    ${paint(`by ${byText(place)}${lineIs === 'led' ? ', in a later turn' : ''}`, 'dim')}`,
    ),
    ...(lineIs === 'made' || lineIs === 'led'
      ? []
      : others.map(
          ({ event, location }) => `    ${paint(`'${stripControl(event)}' calls ${byText(location)}`, 'dim')}`,
        )),
    ...(remedy ? [`    → ${remedy}`] : []),
  ];
}

/** "3 × socket to 10.0.0.5:5432 · pg" */
function nameOf({ count, what, package: name }: Alive): string {
  const times = count > 1 ? `${formatCount(count)} × ` : '';
  return stripControl(`${times}${what}${name ? ` · ${name}` : ''}`);
}

function eventOf({ calls, line }: Alive): string {
  const one = calls.find(({ location }) => location.file === line?.file && location.line === line.line);
  return stripControl(one?.event ?? 'callback');
}

function byText(place: Location): string {
  const name = packageNameOf(place.file);
  return `${name ? `${name}, ` : ''}${placeText(place)}`;
}

function sourceOf({ file, line }: Location): string {
  const text = stripControl((programLines(file)?.[line - 1] ?? '').trim());
  return text.length > MAX_SOURCE ? `${text.slice(0, MAX_SOURCE - 1)}…` : text;
}

/** A line for each thing, without sources: for stderr of the program. */
export function shortLines(threads: readonly WhyThread[]): string[] {
  const lines = threads.flatMap(({ threadId, alive }) => {
    const where = threads.length > 1 && threadId !== 0 ? `${threadName(threadId)}: ` : '';
    return alive.map((one) => `${where}${nameOf(one)} · ${placeOf(one)}`);
  });
  const left = lines.length - MAX_SHORT;
  return left > 0 ? [...lines.slice(0, MAX_SHORT), `and ${plural(left, 'other place')}`] : lines;
}

function placeOf({ line, lineIs, through }: Alive): string {
  if (!line || !lineIs) return through[0] ? byText(through[0]) : 'no line of the program is known';
  const later = lineIs === 'led' && through[0] ? `, through ${lineText(through[0])} in a later turn` : '';
  return `${lineIs === 'made' ? '' : `${CALLED[lineIs]} `}${placeText(line)}${later}`;
}
