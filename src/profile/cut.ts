import { focused, hidden, kept, stacksWith } from './cut-stacks.ts';
import { inRanges, type TimeRange } from './cut-time.ts';
import type { Profile, ProfileCategory } from './types.ts';

/** The wanted part of a profile; nothing given means all. */
export interface Cut {
  /** Name of a thread, or a part of it. */
  thread?: string;
  /** ms since the profile began. */
  fromMs?: number;
  toMs?: number;
  /** Also within one of these; in order, not overlapping. */
  ranges?: readonly TimeRange[];
  /** Only stacks with a function or file that matches; they begin there. */
  focus?: RegExp;
  /** Without the stacks that have such a function or file. */
  ignore?: RegExp;
  /** Without such functions and files: what they weigh counts for their callers. */
  hide?: RegExp;
  /** Only time spent in these. */
  categories?: readonly ProfileCategory[];
}

/** The part of a profile. Null if a time range is wanted of one without times. */
export function cutProfile(profile: Profile, cut: Cut): Profile | null {
  const { thread, fromMs = 0, toMs = Number.POSITIVE_INFINITY, focus, ignore, hide, categories } = cut;
  let threads = thread === undefined ? profile.threads : profile.threads.filter(({ name }) => name.includes(thread));
  if (cut.fromMs !== undefined || cut.toMs !== undefined || cut.ranges) {
    if (threads.some(({ samples }) => samples === null)) return null;
    const wanted = (cut.ranges ?? [{ fromMs: 0, toMs: Number.POSITIVE_INFINITY }])
      .map((range) => ({ fromMs: Math.max(fromMs, range.fromMs), toMs: Math.min(toMs, range.toMs) }))
      .filter((range) => range.toMs > range.fromMs);
    threads = threads.map((of) => inRanges(of, wanted));
  }
  // Categories first: they are those of the functions that ran, also of ones that are hidden.
  if (categories)
    threads = threads.map((of) =>
      kept(of, (node) => categories.includes(of.frames[of.frame[node]!]?.category ?? 'v8')),
    );
  if (ignore)
    threads = threads.map((of) => {
      const ignored = stacksWith(of, ignore);
      return kept(of, (node) => ignored[node] === 0);
    });
  if (focus) threads = threads.map((of) => focused(of, focus));
  if (hide) threads = threads.map((of) => hidden(of, hide));
  return { ...profile, threads };
}
