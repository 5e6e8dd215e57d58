import type { V8CpuProfile } from '../protocol/profile-parts.ts';
import { createFrameMapper, type FrameMapper, pathOf } from '../recording/source-maps.ts';
import type { Connection } from './connect.ts';

/** A request must fit into one message. */
const MAX_URLS = 200;
const ANSWER_MS = 5000;

/**
 * Turns positions of these scripts into those of the original sources, with the maps that the process has in its memory: for
 * TypeScript that was compiled while it was loaded. Without an answer, the maps on disk are used.
 */
export async function loadedMapper(connection: Connection, urls: Iterable<string>): Promise<FrameMapper> {
  const files = [...new Set(urls)].filter((url) => url !== '' && !url.startsWith('node:') && url.length < 300);
  const texts = new Map<string, string>();
  try {
    for (let at = 0; at < files.length; at += MAX_URLS) {
      const some = files.slice(at, at + MAX_URLS);
      await connection.request(
        'loaded-maps',
        { urls: some },
        { onPart: ({ url, text }) => texts.set(pathOf(url), text), timeoutMs: ANSWER_MS },
      );
    }
  } catch {
    // It has ended, or has an older agent: then lines are those of the code that ran.
  }
  return createFrameMapper((path) => texts.get(path) ?? null);
}

/** The scripts of a CPU profile. */
export function urlsOf({ nodes }: Pick<V8CpuProfile, 'nodes'>): string[] {
  return nodes.map(({ callFrame }) => callFrame.url);
}

/** The scripts of an allocation profile, as JSON text. */
export function urlsIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(/"url":("(?:[^"\\]|\\.)*")/g), ([, url]) => url!))].map(
    (url) => JSON.parse(url) as string,
  );
}
