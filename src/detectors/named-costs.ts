/** Computation that has a name: the code that runs is not the program's, and has its own remedy. */

import { packageNameOf } from '../recording/places.ts';
import type { Frame, Location, StallKind, StallRow, StallStack } from '../recording/types.ts';
import { INDEPENDENT_STACKS, MOST_SHARE } from './limits.ts';
import { KIND_TEXTS } from './stall-kinds.ts';

interface Words {
  title: string;
  remedy: string;
}

/** Of one cost: some stacks may say more than others, whatever their time. */
type CostWords = Words & { saysMore?: true };

/** The frames above the user's own, innermost first, and the built-in among them. */
type Cost = (above: readonly Frame[], call: string) => CostWords | null;

const INTL =
  /^(Intl\.|(Date|Number|BigInt|Array)\.toLocale|(DateTime|Number|List|RelativeTime)Format\b|Collator\b|PluralRules\b|Segmenter\b)/;
const STACK_FILES = /^node:internal\/source_map\/|[\\/]node_modules[\\/](@cspotcode[\\/])?source-map-support[\\/]/;
const HOOK_FILES = /^node:(internal\/)?(async_hooks|async_local_storage)/;

const intl: Cost = (_above, call) =>
  INTL.test(call)
    ? {
        title: `${call}, which makes or uses a formatter of Intl each time`,
        remedy:
          'Make one formatter (Intl.DateTimeFormat, Intl.NumberFormat, Intl.Collator) when the module loads, and use it for all rows: ' +
          'each new one, and each toLocale… call with options, loads its locale data again.',
      }
    : null;

/** The methods of strings that follow the rules of a language. */
const strings: Cost = (_above, call) => {
  if (!/^String\.(localeCompare|normalize|toLocale)/.test(call)) return null;
  return {
    title: `calls of ${call}`,
    remedy: call.endsWith('localeCompare')
      ? 'Make one Intl.Collator when the module loads, and sort by its compare: localeCompare with a language or options looks up its rules each ' +
        'time. Keys that are plain identifiers can be compared with < and >.'
      : 'Do it once for each text and keep the result, rather than in a callback that runs for each comparison or row.',
  };
};

const REMEDY_STACK = 'Do not read `stack` of errors that are expected: log code and message.';

const stack: Cost = (above, call) => {
  if (above.some(({ file }) => STACK_FILES.test(file))) {
    return {
      saysMore: true,
      title: 'the stacks of errors, which are looked up in source maps',
      remedy: `${REMEDY_STACK} Where stacks are read often, run without --enable-source-maps (or source-map-support), and map the few that matter later.`,
    };
  }
  const isWritten = above.some(
    ({ category, function: name }) => category === 'node' && /prepareStackTrace/i.test(name),
  );
  return isWritten || call.endsWith('get stack')
    ? { title: 'the stacks of errors, which are written out when they are read', remedy: REMEDY_STACK }
    : null;
};

const asyncHooks: Cost = ([innermost]) =>
  innermost && HOOK_FILES.test(innermost.file)
    ? {
        title: 'async hooks, which run for each promise and callback',
        remedy:
          'Make fewer promises here, use one AsyncLocalStorage instead of several, and turn off async_hooks that nobody reads. ' +
          'From Node 24 on AsyncLocalStorage needs no hooks.',
      }
    : null;

const COSTS = [intl, strings, stack, asyncHooks];

/** Words, and the line of the call if a mark gave it: other lines are taken when the call is over, as the next one begins. */
type PlacedWords = Words & { location?: Location | null };

/** What to call stalls of one kind at one place, and what to change. */
export function wordsOf(kind: StallKind, group: readonly StallRow[]): PlacedWords {
  const texts = KIND_TEXTS.find((text) => text.kind === kind)!;
  const stacks = group.flatMap((stall) => stall.stacks);
  if (kind === 'js-cpu') return costOf(stacks) ?? texts;
  const owner = kind === 'regexp' ? packageOf(stacks) : null;
  return owner === null ? texts : { title: texts.title, remedy: packageRemedy(owner) };
}

function costOf(stacks: readonly StallStack[]): PlacedWords | null {
  const totalMs = stacks.reduce((sum, { weightMs }) => sum + weightMs, 0);
  for (const cost of COSTS) {
    const seen = stacks.flatMap((entry) => {
      const words = cost(aboveOwn(entry.frames), builtInOf(entry.frames));
      return words ? [{ words, entry }] : [];
    });
    const ms = seen.reduce((sum, { entry }) => sum + entry.weightMs, 0);
    const count = seen.reduce((sum, { entry }) => sum + (entry.count ?? 1), 0);
    if (count >= INDEPENDENT_STACKS && ms >= totalMs * MOST_SHARE) {
      const most = seen.filter(({ words }) => words.saysMore);
      const { words, entry } = heaviest(most.length > 0 ? most : seen);
      return { title: words.title, remedy: words.remedy, location: entry.location };
    }
  }
  return null;
}

function heaviest<T extends { entry: StallStack }>(seen: readonly T[]): T {
  return seen.reduce((a, b) => (b.entry.weightMs > a.entry.weightMs ? b : a));
}

function aboveOwn(frames: readonly Frame[]): readonly Frame[] {
  const own = frames.findIndex(({ category }) => category === 'application');
  return own < 0 ? frames : frames.slice(0, own);
}

function builtInOf(frames: readonly Frame[]): string {
  return aboveOwn(frames).find(({ category }) => category === 'native')?.function ?? '';
}

/** The package whose code has the pattern: it called the built-in. */
function packageOf(stacks: readonly StallStack[]): string | null {
  const heaviest = stacks
    .filter(({ kind }) => kind === 'regexp')
    .reduce<StallStack | null>((a, b) => (a && a.weightMs >= b.weightMs ? a : b), null);
  const caller = heaviest?.frames.find(({ category }) => category === 'dependency' || category === 'application');
  if (caller?.category !== 'dependency') return null;
  return packageNameOf(caller.file);
}

function packageRemedy(name: string): string {
  return `The pattern belongs to ${name}: update the package, and limit the length of its input.`;
}
