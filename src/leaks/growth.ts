/**
 * What grew between snapshots of one process. An object keeps its id, so ids show what is new. Each new object belongs to the
 * nearest object above it that was there from the beginning: that object's subtree grows. To avoid false alarms, with three snapshots
 * it must grow twice, in proportion, what came first must still be there, and the whole subtree must have become larger.
 */
import { NO_EDGE, type PathTree } from '../heap/path-tree.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { anchorsOf, birthTimes, TRANSIENT } from './births.ts';
import { type Chain, type Holder, Holders } from './holders.ts';
import { isInProportion, isOfOneKind } from './proportion.ts';
import { Signatures } from './signatures.ts';
import { positionOf, programObjects, type SnapshotIndex, type Subtree, subtrees } from './subtree.ts';

/** New objects in each of two intervals: fewer may be connections, timers and the like from traffic. */
const MIN_NEW = 10;
/** With only two snapshots, which cannot tell a filling cache from a leak. */
const MIN_NEW_ONCE = 100;
/** The share of what is new by which the whole must have grown: if old entries go as new ones come, it is bounded. */
const MIN_NET = 0.4;
/** From this many growing things in equal places on, they are reported as one. */
const MIN_EQUAL = 4;
/** Groups that are named. */
const MAX_GROUPS = 80;
const MIN_BYTES = 1024;

/** New things on equal holders. */
export interface Group {
  /** What was there from the beginning. */
  anchors: number[];
  /** By time between snapshots. */
  newCounts: number[];
  newBytes: number[];
  /** In each snapshot: objects and bytes below the anchors. */
  heldCounts: number[];
  heldBytes: number[];
  /** The constructor with most of the bytes: its name, how many are new in each interval, and one of them. */
  className: string;
  classCounts: number[];
  sample: number;
  chain: Chain;
  /** Where in the chain the first new node is. */
  head: number;
  holder: Holder;
  /** Suspended async calls among what is new, by time between snapshots, and the function of one. */
  calls: number[];
  callFunction: number;
  /** Scopes of closures are among what is new. */
  hasScopes: boolean;
  /** The holder is a variable, which has a new value each time. */
  isReplaced: boolean;
}

/** Groups that grew, the largest first. `older`: one or two snapshots before, the first one first. */
export function findGrowth(
  snapshot: HeapSnapshot,
  tree: PathTree,
  older: readonly SnapshotIndex[],
): { groups: Group[]; holders: Holders; held: Subtree } {
  const counted = programObjects(snapshot);
  const held = subtrees(snapshot, tree, counted);
  const holders = new Holders(snapshot, tree);
  const born = birthTimes(snapshot, tree, older);
  const anchors = anchorsOf(tree, born, counted);
  const drafts = draftGroups({ snapshot, tree, older, counted, born, anchors, held });
  const grown = drafts.filter((draft) => isGrowth(draft)).sort((a, b) => sum(b.newBytes) - sum(a.newBytes));
  const groups = nameGroups(grown.slice(0, MAX_GROUPS), holders, { snapshot, tree, born, counted, held, anchors });
  return { groups: groups.filter((group) => isOfOneKind(group, snapshot)), holders, held };
}

interface Context {
  snapshot: HeapSnapshot;
  tree: PathTree;
  older: readonly SnapshotIndex[];
  counted: Uint8Array;
  /** By node: 0 if it was there from the beginning, otherwise the interval between snapshots in which it came. */
  born: Uint8Array;
  /** By node: the nearest old node above, or itself if it is old. */
  anchors: Uint32Array;
  held: Subtree;
}

type Draft = Pick<Group, 'anchors' | 'newCounts' | 'newBytes' | 'heldCounts' | 'heldBytes'> & { edgeName: number };

/** Sums by anchor and, if that is a scope, by variable; then equal small ones together. */
function draftGroups(context: Context): Draft[] {
  const { snapshot, tree, older, counted, born, anchors } = context;
  const { selfSize, edgeName } = snapshot.columns;
  const signatures = new Signatures(snapshot, tree);
  const times = older.length;
  const isScope = scopeTest(snapshot);
  const byAnchor = new Map<number, Draft>();
  const variableOf = new Uint32Array(snapshot.nodeCount);
  for (const node of tree.order) {
    const time = born[node]!;
    const anchor = anchors[node]!;
    if (anchor === node) continue;
    const above = tree.parent[node]!;
    if (isScope(anchor)) {
      variableOf[node] = above === anchor ? edgeName[tree.parentEdge[node]!]! + 1 : variableOf[above]!;
    }
    if (time === 0 || time === TRANSIENT) continue;
    const name = variableOf[node]!;
    const key = anchor + name * 2 ** 32;
    let draft = byAnchor.get(key);
    if (!draft) {
      draft = {
        anchors: [anchor],
        newCounts: zeros(times),
        newBytes: zeros(times),
        heldCounts: [],
        heldBytes: [],
        edgeName: name,
      };
      byAnchor.set(key, draft);
    }
    draft.newBytes[time - 1]! += selfSize[node]!;
    draft.newCounts[time - 1]! += counted[node]!;
  }
  const bySignature = new Map<string, Draft[]>();
  for (const draft of byAnchor.values()) {
    addHeld(draft, context);
    const key = `${signatures.of(draft.anchors[0]!)} ${draft.edgeName}`;
    const equal = bySignature.get(key);
    if (equal) equal.push(draft);
    else bySignature.set(key, [draft]);
  }
  return [...bySignature.values()].flatMap(joinEqual);
}

/** Small ones in equal places are joined; large ones if they are many, such as the logs of each connection. */
function joinEqual(drafts: readonly Draft[]): Draft[] {
  const isLarge = ({ newCounts }: Draft): boolean => Math.min(...newCounts) >= leastNew(newCounts.length);
  const growing = drafts.filter((draft) => isLarge(draft) && isGrowth(draft));
  const areMany = growing.length >= MIN_EQUAL;
  const [first, ...others] = [...drafts.filter((draft) => !isLarge(draft)), ...(areMany ? growing : [])];
  for (const other of others) join(first!, other);
  return [...(areMany ? [] : growing), ...(first ? [first] : [])];
}

/** New objects that each interval must have to be noticed, by the number of intervals. */
export const leastNew = (intervals: number): number => (intervals === 1 ? MIN_NEW_ONCE : MIN_NEW);

/** Whether a node is a scope, which has a growing thing in each variable. */
function scopeTest({ columns }: HeapSnapshot): (node: number) => boolean {
  const scopes = new Set(columns.strings.find(['system / Context', 'system / NativeContext']).values());
  return (node) => scopes.has(columns.nodeName[node]!);
}

const zeros = (length: number): number[] => new Array<number>(length).fill(0);
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function addHeld(draft: Draft, { snapshot, older, held }: Context): void {
  const anchor = draft.anchors[0]!;
  const id = snapshot.nodeId(anchor);
  const places = older.map((index) => positionOf(index, id));
  draft.heldCounts = [...places.map((at, i) => older[i]!.counts[at] ?? 0), held.counts[anchor]!];
  draft.heldBytes = [...places.map((at, i) => older[i]!.bytes[at] ?? 0), held.bytes[anchor]!];
}

function join(into: Draft, draft: Draft): void {
  into.anchors.push(...draft.anchors);
  for (const key of ['newCounts', 'newBytes', 'heldCounts', 'heldBytes'] as const) {
    into[key] = into[key].map((value, i) => value + draft[key][i]!);
  }
}

/** Whether this is what a leak looks like. */
function isGrowth({ newCounts, newBytes, heldCounts }: Draft): boolean {
  const steps = heldCounts.slice(1).map((count, i) => count - heldCounts[i]!);
  const least = leastNew(newCounts.length);
  if (newCounts.some((count, i) => count < least || steps[i]! < MIN_NET * count)) return false;
  if (sum(newBytes) < MIN_BYTES) return false;
  return [newCounts, steps].every(isInProportion);
}

function nameGroups(drafts: readonly Draft[], holders: Holders, context: Omit<Context, 'older'>): Group[] {
  const described = drafts.map((draft) => ({ draft, ...mainClass(draft, context, holders) }));
  const chains = described.map(({ sample }) => holders.chainOf(sample));
  holders.prepare(chains);
  const isAnchor = (node: number): boolean => context.anchors[node] === node;
  return described.map(({ draft, ...described }, i) => {
    const chain = chains[i]!;
    const anchorAt = chain.findIndex(isAnchor);
    const head = anchorAt < 0 ? chain.length - 1 : anchorAt - 1;
    const { edgeName, ...figures } = draft;
    const holder = holders.holderOf(chain, headFrom(chain, head, holders));
    return { ...figures, ...described, chain, head, holder, isReplaced: edgeName > 0 };
  });
}

/** New timers, listeners and the like name the holder themselves; otherwise the search begins where the new begins. */
function headFrom(chain: Chain, head: number, holders: Holders): number {
  const { snapshot } = holders.graph;
  for (let i = head; i >= 0; i--) if (/^(Timeout|Immediate)$/.test(snapshot.nodeName(chain[i]!))) return i;
  return Math.max(0, head);
}

interface ClassFigures {
  counts: number[];
  bytes: number;
  sample: number;
}

/** The constructor that most of the new bytes hang on. */
function mainClass(
  draft: Draft,
  { snapshot, tree, born, counted, held, anchors }: Omit<Context, 'older'>,
  holders: Holders,
): Pick<Group, 'className' | 'classCounts' | 'sample' | 'calls' | 'callFunction' | 'hasScopes'> {
  const wanted = new Set(draft.anchors);
  const classes = new Map<string, ClassFigures>();
  const heads = new Map<string, ClassFigures>();
  const times = draft.newCounts.length;
  const inVariable = new Set<number>();
  const classNameOf = classNames(snapshot);
  const calls = zeros(times);
  let callFunction = -1;
  let hasScopes = false;
  for (const node of tree.order) {
    const time = born[node]!;
    if (anchors[node] === node || !wanted.has(anchors[node]!)) continue;
    const above = tree.parent[node]!;
    if (draft.edgeName > 0) {
      const isHere = wanted.has(above)
        ? snapshot.edgeNameOrIndex(tree.parentEdge[node]!) + 1 === draft.edgeName
        : inVariable.has(above);
      if (!isHere) continue;
      inVariable.add(node);
    }
    if (time === 0 || time === TRANSIENT) continue;
    if (holders.graph.isCall(node)) {
      calls[time - 1]!++;
      callFunction = holders.graph.follow(node, 'function');
    }
    hasScopes ||= holders.graph.isContext(node);
    if (counted[node] === 0) continue;
    const name = classNameOf(node);
    add(classes, name, time, times, snapshot.selfSize(node), node);
    if (isHead(snapshot, tree, anchors, node)) add(heads, name, time, times, held.bytes[node]!, node);
  }
  const best = choose(heads, MIN_NEW) ?? choose(classes, 1);
  const [className, figures] = best ?? ['(unknown)', { counts: zeros(times), bytes: 0, sample: draft.anchors[0]! }];
  return { className, classCounts: figures.counts, sample: figures.sample, calls, callFunction, hasScopes };
}

/** Constructors of objects; other things by what they are. Decoding a name takes longer than looking it up. */
function classNames(snapshot: HeapSnapshot): (node: number) => string {
  const { nodeName } = snapshot.columns;
  const known = new Map<number, string>();
  return (node) => {
    const type = snapshot.nodeType(node);
    if (type === 'closure') return 'function';
    if (type !== 'object') return /string$/.test(type) ? 'string' : type;
    const index = nodeName[node]!;
    let name = known.get(index);
    if (name === undefined) {
      name = snapshot
        .nodeName(node)
        .slice(0, 100)
        .replace(/^system \/ /, '');
      known.set(index, name);
    }
    return name;
  };
}

function add(
  into: Map<string, ClassFigures>,
  name: string,
  time: number,
  times: number,
  bytes: number,
  node: number,
): void {
  const known = into.get(name) ?? { counts: zeros(times), bytes: 0, sample: node };
  into.set(name, known);
  known.counts[time - 1]!++;
  known.bytes += bytes;
}

/** No object of the program that the old node leads to as well is between them. */
function isHead(snapshot: HeapSnapshot, tree: PathTree, anchors: Uint32Array, node: number): boolean {
  for (let at = tree.parent[node]!; anchors[at] !== at; at = tree.parent[at]!) {
    if (/^(object|closure)$/.test(snapshot.nodeType(at)) || tree.parentEdge[at] === NO_EDGE) return false;
  }
  return true;
}

const GENERIC = /^(Object|Array|string|function|Context|Generator|symbol|\(unknown\))$/;

/** The one with the most bytes; one of the program's own classes if it has at least a tenth of that. */
function choose(classes: Map<string, ClassFigures>, least: number): [string, ClassFigures] | undefined {
  const enough = [...classes].filter(([, { counts }]) => Math.min(...counts) >= least);
  const ranked = enough.sort(([, a], [, b]) => b.bytes - a.bytes);
  const top = ranked[0];
  return ranked.find(([name, { bytes }]) => !GENERIC.test(name) && bytes >= 0.1 * top![1].bytes) ?? top;
}
