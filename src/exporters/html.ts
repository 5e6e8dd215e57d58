import { readFileSync } from 'node:fs';
import { shortLabel, totalsOf, withoutIdle } from '../profile/call-tree.ts';
import { takenText } from '../profile/taken-text.ts';
import type { Profile, ProfileUnit, ThreadProfile } from '../profile/types.ts';
import { builtFile } from '../util/package-root.ts';
import { CATEGORY_KINDS } from './category-kinds.ts';
import { type FlameNode, flamegraphPage } from './flamegraph-page.ts';
import type { Exporter } from './types.ts';

/** The units of the page. */
const UNITS: Record<ProfileUnit, { unit: 'ms' | 'bytes' | 'samples'; factor: number }> = {
  us: { unit: 'ms', factor: 1e-3 },
  bytes: { unit: 'bytes', factor: 1 },
  samples: { unit: 'samples', factor: 1 },
};

/** An interactive flamegraph, drawn by 0x's visualizer: one self-contained page. Idle time is left out. */
export const html: Exporter = {
  id: 'html',
  title: 'flamegraph in a page',
  extension: 'html',
  mediaType: 'text/html',
  write: (profile) => htmlWith(profile),
};

/** The same with links to an editor of one's own: the address of a line with {file} and {line}, '' for none. */
export function htmlWith(profile: Profile, editor?: string): string {
  const { title, threads } = profile;
  const { unit, factor } = UNITS[profile.unit];
  const trees = threads.map((thread) => treeOf(thread, factor));
  const [only] = trees;
  const tree = trees.length === 1 ? { ...only!, name: 'all stacks' } : parentOf('all threads', trees);
  return flamegraphPage({
    tree,
    title,
    unit,
    facts: takenText(profile),
    ...(editor !== undefined && { editor }),
    viewer: readFileSync(builtFile('flamegraph-viewer.js'), 'utf8'),
  });
}

function parentOf(name: string, children: FlameNode[]): FlameNode {
  const value = children.reduce((sum, child) => sum + child.value, 0);
  return { name, function: name, file: '', line: 0, type: 'v8', value, top: 0, children };
}

/** Without idle nodes, and nodes without weight. */
function treeOf(thread: ThreadProfile, factor: number): FlameNode {
  const shown = withoutIdle(thread);
  const totals = totalsOf(shown);
  const nodes: (FlameNode | undefined)[] = [];
  for (let node = 0; node < totals.length; node++) {
    if (node > 0 && totals[node] === 0) continue;
    const frame = thread.frames[thread.frame[node]!];
    const its: FlameNode = {
      name: frame ? shortLabel(frame) : thread.name,
      function: frame?.function ?? '',
      file: frame?.file ?? '',
      line: frame?.line ?? 0,
      type: frame ? CATEGORY_KINDS[frame.category] : 'v8',
      value: totals[node]! * factor,
      top: shown.self[node]! * factor,
      children: [],
    };
    nodes[node] = its;
    if (node > 0) nodes[thread.parent[node]!]!.children.push(its);
  }
  return nodes[0]!;
}
