import type { CpuProfile } from '../../src/library/types.ts';
import { isNodes } from '../agent/tracking/sites.ts';
import { isNotOurs } from './leftovers.ts';

/** The cost of following the awaits, as a function of the profile. */
export const OWN_TIME = '(evdiag)';
/** What the thread ran besides the profiled function. */
export const BESIDE = '(other work)';
const NO_WORK = new Set(['(root)', '(program)', '(idle)']);

/** The functions of evdiag that call the profiled function: what they call is its own. */
const ENTRY = /^(profile|run)\d*$/;

type Node = CpuProfile['nodes'][number];

/** If it is off by half a second, it is another clock. */
const SAME_CLOCK_US = 500_000;

/** When the function ran: from and to in turn, ms of the monotonic clock. */
export interface OwnTurns {
  turns: readonly number[];
  /** Just before the profile began. */
  startMs: number;
}

/**
 * The profile with the time of evdiag's own code in one node below the root: its functions, and what they called in
 * Node and V8. The profiled function also runs below them, but keeps its time. With `own`, what ran while the
 * function did not is in another such node.
 */
export function toOwnNodes(profile: CpuProfile, own: OwnTurns | null): CpuProfile {
  const { samples = [], nodes } = profile;
  const evdiags = evdiagNodes(profile);
  const always = new Set(nodes.flatMap(({ id, callFrame }) => (NO_WORK.has(callFrame.functionName) ? [id] : [])));
  const isOwnAt = own ? ownTimes(profile, own) : () => true;
  const next = nodes.reduce((most, { id }) => Math.max(most, id), 0) + 1;
  const [evdiagId, besideId] = [next, next + 1];
  const moved = samples.map((of, i) => {
    if (evdiags.has(of)) return evdiagId;
    return always.has(of) || isOwnAt(i) ? of : besideId;
  });
  const added = [
    { id: evdiagId, name: OWN_TIME },
    { id: besideId, name: BESIDE },
  ].filter(({ id }) => moved.includes(id));
  return added.length === 0 ? profile : { ...profile, samples: moved, nodes: withNodes(nodes, moved, added) };
}

/** By sample, whether the function ran. */
function ownTimes({ samples = [], timeDeltas = [], startTime }: CpuProfile, { turns, startMs }: OwnTurns) {
  // V8 uses the same clock; on systems where it does not, the beginning is known on both.
  const offsetUs = Math.abs(startTime - startMs * 1000) > SAME_CLOCK_US ? startTime - startMs * 1000 : 0;
  const isOwn = new Uint8Array(samples.length);
  let turn = 0;
  let atUs = startTime - offsetUs;
  for (let i = 0; i < samples.length; i++) {
    atUs += timeDeltas[i] ?? 0;
    // V8 may list a later sample first.
    while (turn > 0 && turns[turn]! * 1000 > atUs) turn -= 2;
    while (turn + 1 < turns.length && turns[turn + 1]! * 1000 < atUs) turn += 2;
    isOwn[i] = turn < turns.length && turns[turn]! * 1000 <= atUs ? 1 : 0;
  }
  return (i: number): boolean => isOwn[i] === 1;
}

/** With the new ones below the root, and hits as the samples have them. */
function withNodes(
  nodes: readonly Node[],
  samples: readonly number[],
  added: readonly { id: number; name: string }[],
): Node[] {
  const hits = new Map<number, number>();
  for (const id of samples) hits.set(id, (hits.get(id) ?? 0) + 1);
  const [root, ...rest] = nodes;
  const first = { ...root!, children: [...(root!.children ?? []), ...added.map(({ id }) => id)] };
  const others = rest.map((node) =>
    hits.has(node.id) ? { ...node, hitCount: hits.get(node.id)! } : { ...node, hitCount: 0, positionTicks: [] },
  );
  const news = added.map(({ id, name }) => {
    const callFrame = { functionName: name, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
    return { id, callFrame, hitCount: hits.get(id) ?? 0, children: [] };
  });
  return [first, ...others, ...news];
}

function evdiagNodes({ nodes }: CpuProfile): Set<number> {
  const own = new Set<number>();
  /** Of them, those whose built-ins are ours. */
  const working = new Set<number>();
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  // A parent comes before its children.
  for (const node of nodes) {
    const ours = isOurs(node);
    const below = working.has(parents.get(node.id) ?? -1) && isBuiltIn(node);
    if (ours || below) own.add(node.id);
    if (below || (ours && !ENTRY.test(node.callFrame.functionName))) working.add(node.id);
  }
  return own;
}

function isOurs({ callFrame: { functionName, url } }: Node): boolean {
  return url !== '' && !isNotOurs([functionName, url, 0, 0]);
}

/** A collection caused by evdiag's allocations may be among them too. */
function isBuiltIn({ callFrame: { functionName, url } }: Node): boolean {
  return isNodes([functionName, url || null, 0, 0]);
}
