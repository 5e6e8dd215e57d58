import { takenText } from '../../../profile/taken-text.ts';
import type { Profile } from '../../../profile/types.ts';
import { formatMs, formatShare, plural } from '../../../util/text.ts';
import { endOf } from '../moment.ts';
import { busyBars, sharesOf } from '../profile/busy.ts';
import { FUNCTION_COLUMNS, functionItems } from '../profile/functions.ts';
import { profilesOf, type Shown, shownOf, spanText } from '../profile/shown.ts';
import { treeItems } from '../profile/tree.ts';
import { line, span } from '../text.ts';
import type { Item, Line, Moment, ProfileView, Tab, Tools } from '../types.ts';

const MAX_BARS = 60;
/** Beside the bars. */
const TEXT = 44;

const KIND: Record<Profile['kind'], string> = {
  ...{ cpu: 'CPU profile', 'alloc-space': 'what was allocated', 'in-use-space': 'allocated and still alive' },
  ...{ waiting: 'waiting', other: 'profile' },
};
const VIEW: Record<ProfileView, string> = {
  functions: 'functions',
  tree: 'calls, top down',
  callers: 'functions and their callers',
};

/** The views in the order of the key. */
export const VIEWS: readonly ProfileView[] = ['functions', 'tree', 'callers'];

export const profile: Tab = {
  id: 'profile',
  title: 'Profile',
  columns: FUNCTION_COLUMNS,
  sortColumn: 0,
  empty: emptyText,
  summary: summaryLines,
  items(moment) {
    const shown = shownOf(moment);
    if (!shown?.part) return NO_ITEMS;
    const { unit } = shown.of.profile!;
    const { view, toggled } = moment.profiles;
    return view === 'functions' ? functionItems(shown.part, unit) : treeItems(shown.part, unit, view, toggled).items;
  },
  isTree: ({ profiles }) => profiles.view !== 'functions',
};

const NO_ITEMS: readonly Item[] = [];

function emptyText(moment: Moment): string {
  const { profiles, chosen } = moment;
  const shown = shownOf(moment);
  if (shown) return shown.whole ? 'Nothing ran in that time.' : (shown.of.problem ?? 'The profile is being read …');
  if (profiles.running) return 'The hot functions are shown when the profile has ended.';
  if (profiles.all.length > 0) return 'This thread has no profile, but another one has: < and > switch threads.';
  if (chosen.foreign !== undefined) return `A recording of ${chosen.foreign} has no profile.`;
  return 'No profile yet. In a live view f starts one and f again stops it; of a recording, profiles beside it are shown.';
}

function summaryLines(moment: Moment, tools: Tools): Line[] {
  const shown = shownOf(moment);
  return [
    ...runningLines(moment),
    ...(shown ? [headLine(moment, shown)] : []),
    ...(shown?.whole ? [...busyLines(shown, tools), rangeLine(moment, shown)] : []),
  ];
}

function runningLines({ profiles, recordings, atMs }: Moment): Line[] {
  const { running, lost } = profiles;
  if (running) {
    const ageMs = Math.max(0, Math.max(atMs, endOf(recordings)) - running.sinceMs);
    return [line(`● process ${running.pid} is being profiled for ${formatMs(ageMs)}: f ends it`, 'warn')];
  }
  return lost === null ? [] : [line(`✗ ${lost}`, 'warn')];
}

/** What it is, and how much it is based on. */
function headLine(moment: Moment, { of, whole, part, range }: Shown): Line {
  const mine = profilesOf(moment);
  const which = mine.length > 1 ? ` (${mine.indexOf(of) + 1} of ${mine.length}, o)` : '';
  const profile = of.profile;
  if (!profile || !whole) return [span(`Profile${which} `, 'strong'), span(` ${of.name}`, 'dim')];
  const { kind, unit } = profile;
  const taken = takenText({ title: '', kind, unit, threads: [(range ? part : whole)!] });
  const threads = of.threads.length > 1 ? ` · ${plural(of.threads.length, 'thread')}` : '';
  return [span(`${KIND[kind]}${which} `, 'strong'), span(` ${of.name} · ${taken}${threads}`, 'dim')];
}

/** Bars over the whole span; the part of a range is highlighted. */
function busyLines({ whole, part, range, spanMs }: Shown, { columns }: Tools): Line[] {
  const bars = busyBars(whole!, Math.max(8, Math.min(MAX_BARS, columns - TEXT)));
  if (bars === '') return [];
  const at = (ms: number): number => Math.round((ms / Math.max(1, spanMs)) * bars.length);
  const from = range ? Math.min(bars.length - 1, at(range.fromMs)) : 0;
  const to = range ? Math.max(from + 1, at(range.toMs)) : bars.length;
  const { idle, gc } = sharesOf(part!);
  return [
    [
      span('busy ', 'dim'),
      span(bars.slice(0, from), 'dim'),
      span(bars.slice(from, to), 'accent'),
      span(bars.slice(to), 'dim'),
      span(`  busy ${formatShare(1 - idle)}`),
      span(` · collector ${formatShare(gc)}`, gc >= 0.1 ? 'warn' : 'dim'),
      span(` · idle ${formatShare(idle)}`, 'dim'),
    ],
  ];
}

function rangeLine({ profiles }: Moment, { range, startMs, spanMs }: Shown): Line {
  const view = [span(VIEW[profiles.view], 'strong'), span(' (t) · ', 'dim')];
  if (range) {
    const from = startMs! + range.fromMs;
    const words = `${spanText({ fromMs: from, toMs: startMs! + range.toMs })}: ${profiles.range!.words}`;
    return [...view, span(words, 'warn'), span(' · r leaves it', 'dim')];
  }
  if (profiles.range) return [...view, span('the range is outside of it · r clears it', 'warn')];
  const when =
    startMs === null || spanMs <= 0
      ? 'all of it'
      : `all of it, ${spanText({ fromMs: startMs, toMs: startMs + spanMs })}`;
  return [...view, span(`${when} · w writes it to a file`, 'dim')];
}
