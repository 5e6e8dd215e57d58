import { close, constants, open, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** Far more than storage takes that is only slow: whoever sends a signal waits for it. */
const ANSWER_MS = 1000;
/** As many as the kernel follows. */
const MAX_LINKS = 40;

/**
 * Whether what these paths lead to answers now. Each is opened on Node's thread pool: a call of this thread would hang where the
 * storage does, and a file's attributes may come from the kernel's cache. False after a second.
 */
export function answers(paths: readonly string[]): Promise<boolean> {
  const all = Promise.all(paths.map(isOpened)).then(() => true);
  if (paths.length === 0) return all;
  return new Promise((done) => {
    const timer = setTimeout(() => done(false), ANSWER_MS);
    void all.then((answer) => {
      clearTimeout(timer);
      done(answer);
    });
  });
}

/** An error is an answer. */
function isOpened(path: string): Promise<void> {
  return new Promise((done) => {
    open(path, constants.O_RDONLY | constants.O_NONBLOCK, (_error, descriptor) => {
      if (descriptor !== undefined) close(descriptor, () => {});
      done();
    });
  });
}

/** Whether the path is on storage of others, or leads there by a link. Nothing is touched there. */
export function leadsToOthers(path: string, isOfOthers: (path: string) => boolean, links = MAX_LINKS): boolean {
  const parts = path.split('/').filter(Boolean);
  for (let i = 1; i <= parts.length; i++) {
    const part = `/${parts.slice(0, i).join('/')}`;
    if (isOfOthers(part)) return true;
    const target = linkOf(part);
    if (target === null) continue;
    return links > 0 && leadsToOthers(resolve(dirname(part), target, ...parts.slice(i)), isOfOthers, links - 1);
  }
  return false;
}

function linkOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null; // none
  }
}
