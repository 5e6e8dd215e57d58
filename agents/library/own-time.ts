import type { CpuProfile } from '../../src/library/types.ts';
import { isNodes } from '../agent/tracking/sites.ts';
import { isNotOurs } from './leftovers.ts';

/** What following the awaits cost, as a function of the profile. */
export const OWN_TIME = '(evdiag)';

/** Of evdiag's, these call the function that is profiled: what they call is its own. */
const ENTRY = /^(profile|run)\d*$/;

type Node = CpuProfile['nodes'][number];

/**
 * The profile with the time of evdiag's own code in one node below the root: its functions, and what they called of
 * Node's and V8's. The function that is profiled runs below them as well: it is its own.
 */
export function toOwnNode(profile: CpuProfile): CpuProfile {
  const own = ownNodes(profile);
  if (own.size === 0 || !profile.samples) return profile;
  const [root, ...rest] = profile.nodes;
  const id = profile.nodes.reduce((most, node) => Math.max(most, node.id), 0) + 1;
  const callFrame = { functionName: OWN_TIME, scriptId: '0', url: '', lineNumber: -1, columnNumber: -1 };
  const samples = profile.samples.map((of) => (own.has(of) ? id : of));
  const hitCount = samples.reduce((count, of) => count + (of === id ? 1 : 0), 0);
  const nodes = rest.map((node) => (own.has(node.id) ? { ...node, hitCount: 0, positionTicks: [] } : node));
  const first = { ...root!, children: [...(root!.children ?? []), id] };
  return { ...profile, nodes: [first, ...nodes, { id, callFrame, hitCount, children: [] }], samples };
}

function ownNodes({ nodes }: CpuProfile): Set<number> {
  const own = new Set<number>();
  /** Of them, those whose built-ins are ours. */
  const working = new Set<number>();
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  // A parent stands before its children.
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

/** A collection that the allocations of evdiag have caused is in the middle of it, too. */
function isBuiltIn({ callFrame: { functionName, url } }: Node): boolean {
  return isNodes([functionName, url || null, 0, 0]);
}
