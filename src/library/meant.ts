import { seenAt } from './leak-error.ts';
import type { Ignore, Leftover } from './types.ts';

/** Whether a leftover is meant to stay: named in `ignore`, or nothing that keeps the process alive. */
export function createIsMeant(ignore: readonly Ignore[] = [], unreferenced = false): (leftover: Leftover) => boolean {
  return (leftover) => (!unreferenced && !isCounted(leftover)) || ignore.some((one) => isIgnored(leftover, one));
}

/** Pooled sockets and internals are unref'd while they are idle. Listeners and calls never keep a process alive. */
function isCounted({ kind, referenced }: Leftover): boolean {
  return referenced || kind === 'listener' || kind === 'suspended-call';
}

function isIgnored(leftover: Leftover, ignore: Ignore): boolean {
  if (typeof ignore === 'function') return ignore(leftover);
  const { kind, what, location, callers } = leftover;
  const texts = [kind, what, ...[location, ...callers].map(seenAt)];
  return texts.some((text) => (typeof ignore === 'string' ? text.includes(ignore) : text.search(ignore) >= 0));
}
