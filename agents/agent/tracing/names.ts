import { NativeMap } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';

/** Distinct types: those of Node are some 60, the application may have its own. */
const MAX_TYPES = 1000;
const MAX_TYPE_LENGTH = 80;
/** Distinct places; things made at further ones have none. */
const MAX_SITES = 2000;
/** Innermost frames that are sent for a place. */
const MAX_FRAMES = 10;

/** For the agent itself, and what has no room. */
export const TYPES = { none: 0, own: 1, other: 2 } as const;

/** Types and places as numbers: the events hold nothing else. */
export function createNames() {
  const types = new NativeMap<string, number>([
    ['', TYPES.none],
    ['evdiag', TYPES.own],
    ['(other)', TYPES.other],
  ]);
  const sites = new NativeMap<string, number>();
  const frames: RawFrame[][] = [];
  return {
    type(name: string): number {
      let type = types.get(name);
      if (type === undefined) {
        if (types.size >= MAX_TYPES) return TYPES.other;
        type = types.size;
        types.set(name, type);
      }
      return type;
    },
    /** 0 if there is nothing to name, or no room. */
    site(stack: RawFrame[]): number {
      const kept = stack.slice(0, MAX_FRAMES);
      if (kept.length === 0) return 0;
      let key = '';
      for (const [name, url, line, column] of kept) key += `${url ?? name}:${line}:${column} `;
      let site = sites.get(key);
      if (site === undefined) {
        if (frames.length >= MAX_SITES) return 0;
        site = frames.push(kept);
        sites.set(key, site);
      }
      return site;
    },
    all: () => ({ types: [...types.keys()].map((name) => name.slice(0, MAX_TYPE_LENGTH)), sites: frames }),
  };
}

export type Names = ReturnType<typeof createNames>;
