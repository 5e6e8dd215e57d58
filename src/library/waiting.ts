import { awaitedText } from '../async-dump/source-text.ts';
import { TreeBuilder } from '../profile/tree-builder.ts';
import type { Profile, ProfileFrame } from '../profile/types.ts';
import { toLocation } from '../recording/places.ts';
import type { Frame } from '../recording/types.ts';
import type { AwaitSite, Wait } from './types.ts';

/** Awaits of one place together, those with the most waiting of their own first. */
export function awaitSites(waits: readonly Wait[]): AwaitSite[] {
  const sites = new Map<string, AwaitSite>();
  for (const { stack, self, count, unfinished, totalMs, longestMs } of ownWaits(waits)) {
    const frame = stack[0]!;
    const key = `${frame.file}:${frame.line}:${frame.column}`;
    const site = sites.get(key) ?? newSite(frame);
    sites.set(key, site);
    site.count += count;
    site.unfinished += unfinished;
    site.totalMs += totalMs;
    if (self) site.selfMs += totalMs;
    site.longestMs = Math.max(site.longestMs, longestMs);
  }
  return [...sites.values()].sort((a, b) => b.selfMs - a.selfMs || b.totalMs - a.totalMs);
}

function newSite(frame: Frame): AwaitSite {
  const code = awaitedText(frame.file, frame.line, frame.column);
  const sums = { count: 0, unfinished: 0, totalMs: 0, selfMs: 0, longestMs: 0 };
  return { function: frame.function || '(anonymous)', location: toLocation(frame), code, ...sums };
}

/** What packages await is theirs, and counts for the call that awaits them; unless nothing else awaits. */
function ownWaits(waits: readonly Wait[]): readonly Wait[] {
  const own = waits.filter(({ stack }) => stack[0]!.category === 'application');
  return own.length > 0 ? own : waits;
}

/** Calls below those that call or await them; innermost is what is awaited, with the time. */
export function waitingProfile(title: string, waits: readonly Wait[]): Profile {
  const builder = new TreeBuilder();
  for (const { stack, self, totalMs } of ownWaits(waits)) {
    if (!self) continue;
    const frames = stack.map(frameOf).reverse();
    const code = awaitedText(stack[0]!.file, stack[0]!.line, stack[0]!.column);
    if (code !== '') {
      const words = /^(await|for|yield|return)\b/.test(code) ? code : `await in: ${code}`;
      frames.push({ ...frameOf(stack[0]!), function: words, category: 'node' });
    }
    builder.add(builder.stack(frames.map((frame) => builder.frame(frame))), totalMs * 1000);
  }
  return { title, kind: 'waiting', unit: 'us', threads: [builder.build('waiting')] };
}

/** At its `await`, or where it calls. The column of a call is not that of its await: the line is what they share. */
function frameOf({ function: name, file, line, category }: Frame): ProfileFrame {
  return { function: name, file, line, column: 0, category };
}
