/** From snapshots to a leak report. */
import { statSync } from 'node:fs';
import { dominators } from '../heap/dominators.ts';
import { pathTree } from '../heap/path-tree.ts';
import { readSnapshot } from '../heap/read-snapshot.ts';
import type { HeapSnapshot } from '../heap/snapshot.ts';
import { InputError } from '../recording/input-error.ts';
import { formatCount } from '../util/text.ts';
import { findGrowth, type Group } from './growth.ts';
import { HolderPaths } from './holder-paths.ts';
import type { Holder, Holders } from './holders.ts';
import { REMEDIES } from './remedies.ts';
import { indexSnapshot, kindsOf, lastIdOf, positionOf, type SnapshotIndex } from './subtree.ts';
import type { Found } from './suspect-kinds.ts';
import { findSuspects } from './suspects.ts';
import type { HolderKind, LeakReport, Place, SnapshotFacts, Suspect } from './types.ts';
import { growthMessage, singleMessage } from './words.ts';

/** Share of a snapshot's objects that the next one has too if both are from one process: code and built-ins alone are most of a small heap. */
const MIN_SHARED = 0.3;
/** In the report; the text shows fewer. */
const MAX_SUSPECTS = 60;

export interface SnapshotInput {
  file: string;
  /** Milliseconds since 1970; if not given, the time of the file. */
  takenAtMs?: number;
}

export interface AnalyseOptions {
  input: 'snapshots' | 'process';
  /** Called with the current step and its progress, 0 to 1. */
  onProgress?: (words: string, share: number) => void;
}

/** Reads one to three snapshots, in the order in which they were taken. Throws InputError. */
export async function analyseSnapshots(inputs: readonly SnapshotInput[], options: AnalyseOptions): Promise<LeakReport> {
  const facts: SnapshotFacts[] = [];
  const older: SnapshotIndex[] = [];
  const lost: string[] = [];
  for (const [i, input] of inputs.entries()) {
    const which = inputs.length > 1 ? ` ${i + 1} of ${inputs.length}` : '';
    const progress = (share: number) => options.onProgress?.(`reading snapshot${which}`, share);
    const snapshot = await readSnapshot(input.file, {
      onProgress: (done, total) => progress(done / Math.max(1, total)),
    });
    facts.push(factsOf(input, snapshot));
    options.onProgress?.(`following references${which}`, 1);
    // They need the most memory while they are computed: before anything else has some.
    if (inputs.length === 1) dominators(snapshot);
    const tree = pathTree(snapshot);
    const stranger = strangeness(older.at(-1), snapshot);
    // With a process number all snapshots are certainly from one process: go on with those that can be compared.
    if (stranger === 'ids' && options.input === 'process') {
      older.length = 0;
      lost.push(newIdsNote(i));
    } else if (stranger) throw new InputError(strangerText(stranger, inputs[i - 1]!.file, input.file));
    if (i < inputs.length - 1) older.push(indexSnapshot(snapshot, tree));
    else {
      options.onProgress?.('looking for leaks', 1);
      const times = inputs.map(({ file, takenAtMs }) => takenAtMs ?? statSync(file).mtimeMs);
      const spanMs = older.length > 0 ? Math.max(0, times.at(-1)! - times.at(-1 - older.length)!) : null;
      const suspects =
        older.length > 0 ? growthSuspects(snapshot, tree, older, spanMs) : singleSuspects(snapshot, tree);
      return {
        schema: 'evdiag-leaks/1',
        input: options.input === 'process' ? 'process' : inputs.length > 1 ? 'snapshots' : 'snapshot',
        snapshots: facts,
        spanMs,
        suspects: suspects.slice(0, MAX_SUSPECTS),
        notes: [...lost, ...notesOf(older.length + 1)],
      };
    }
  }
  throw new InputError('Give one to three .heapsnapshot files.');
}

function factsOf({ file, takenAtMs }: SnapshotInput, snapshot: HeapSnapshot): SnapshotFacts {
  const stats = statSync(file);
  const { nodeCount, edgeCount, columns } = snapshot;
  const { selfSize } = columns;
  let heapBytes = 0;
  for (let node = 0; node < nodeCount; node++) heapBytes += selfSize[node]!;
  const takenAt = new Date(takenAtMs ?? stats.mtimeMs).toISOString();
  return { file, fileBytes: stats.size, nodeCount, edgeCount, heapBytes, takenAt };
}

/** Why a snapshot cannot be compared with the one before it: objects that have other ids, or a wrong order; null if it can. */
function strangeness(before: SnapshotIndex | undefined, snapshot: HeapSnapshot): 'ids' | 'order' | null {
  if (!before) return null;
  const { nodeId } = snapshot.columns;
  const kindOf = kindsOf(snapshot);
  let known = 0;
  for (let node = 0; node < nodeId.length; node++) {
    const at = positionOf(before, nodeId[node]!);
    if (at >= 0 && before.kinds[at] === kindOf(node)) known++;
  }
  if (known < MIN_SHARED * Math.min(before.ids.length, nodeId.length)) return 'ids';
  return lastIdOf(snapshot) < before.lastId ? 'order' : null;
}

function strangerText(why: 'ids' | 'order', earlier: string, later: string): string {
  return why === 'ids'
    ? `"${later}" shares few objects with "${earlier}": it is from another process, or an inspector was disconnected in between, which gives all objects new ids. Give snapshots of one process.`
    : `"${later}" was taken before "${earlier}". Give the files in the order in which they were taken.`;
}

const newIdsNote = (count: number): string =>
  `An inspector was disconnected from the process after snapshot ${count}, which gives all objects new ids: what grew before is not known. Close the debugger and try again.`;

function notesOf(count: number): string[] {
  if (count === 1) {
    return [
      'One snapshot shows what is large, not what grows. Give two or three of one process, with traffic between them, or its process id.',
    ];
  }
  if (count === 2) return ['Two snapshots cannot tell a leak from a cache that fills up: a third one can.'];
  return [];
}

function growthSuspects(
  snapshot: HeapSnapshot,
  tree: ReturnType<typeof pathTree>,
  older: readonly SnapshotIndex[],
  spanMs: number | null,
): Suspect[] {
  const { groups, holders, held } = findGrowth(snapshot, tree, older);
  const paths = new HolderPaths(holders, snapshot, tree);
  const kept = groups.filter(({ holder }) => !holder.isOwn && !isLoaders(holder));
  return kept.map((group) => {
    const kind = kindOf(group, holders);
    const { text, place } = refined(group, kind, holders);
    const minutes = spanMs === null || spanMs <= 0 ? null : spanMs / 60_000;
    const areCalls = kind === 'suspended-calls' && Math.min(...group.calls) > 0;
    const counts = areCalls ? group.calls : group.classCounts;
    const count = counts.reduce((total, each) => total + each, 0);
    const newBytes = group.newBytes.reduce((total, each) => total + each, 0);
    const growth = {
      counts,
      newBytes: group.newBytes,
      heldBytes: group.heldBytes,
      countPerMinute: minutes === null ? null : count / minutes,
      bytesPerMinute: minutes === null ? null : newBytes / minutes,
    };
    const suspect: Suspect = {
      kind,
      confidence: older.length > 1 ? 'likely' : 'possible',
      holder: text,
      place,
      className: areCalls ? 'suspended call' : group.className,
      count,
      // Everything that the program loaded is referenced by the cache of modules.
      bytes: kind === 'module-cache' ? newBytes : group.heldBytes.at(-1)!,
      growth,
      message: '',
      path: paths.steps(paths.withContents(group.chain, held.bytes), group.holder, (node) => held.bytes[node]!),
      remedy: REMEDIES[kind],
    };
    suspect.message = growthMessage(
      suspect,
      Math.min(...group.calls) >= MIN_CALLS ? holders.functionName(group.callFunction) : null,
    );
    const places = group.anchors.length;
    if (places > 1) suspect.message += ` They are in ${formatCount(places)} equal places.`;
    return suspect;
  });
}

/** Further down they are of no interest. */
const MIN_CALLS = 10;

/** What Node's loader keeps for each file comes with the entry in its cache. */
const isLoaders = ({ place, kind }: Holder) =>
  kind === 'collection' && /^node:internal\/modules\//.test(place?.file ?? '');

function kindOf(group: Group, holders: Holders): HolderKind {
  const { snapshot } = holders.graph;
  if (group.holder.kind !== 'collection') return group.holder.kind;
  const anchor = snapshot.nodeName(group.anchors[0]!);
  if (anchor === 'Promise' || anchor === 'system / PromiseReaction') {
    return Math.min(...group.calls) >= 0.5 * Math.min(...group.classCounts) ? 'suspended-calls' : 'promises';
  }
  if (group.isReplaced && group.hasScopes) return 'closure';
  if (/^(Buffer|ArrayBuffer|DataView|\w+Array)$/.test(group.className)) return 'buffers';
  return 'collection';
}

/** Suspended calls are named by their function, with their holder in addition. */
function refined(
  { holder, callFunction }: Group,
  kind: HolderKind,
  holders: Holders,
): { text: string; place: Place | null } {
  if (kind !== 'suspended-calls' || callFunction < 0) {
    return { text: holder.keeper ? `${holder.text}, kept by ${holder.keeper}` : holder.text, place: holder.place };
  }
  const place = holders.scripts.placeOf(callFunction) ?? holder.place;
  return { text: `suspended async calls of "${holders.functionName(callFunction)}" (${holder.text})`, place };
}

function singleSuspects(snapshot: HeapSnapshot, tree: ReturnType<typeof pathTree>): Suspect[] {
  const { found, holders } = findSuspects(snapshot, tree);
  const paths = new HolderPaths(holders, snapshot, tree);
  const suspects = found.map((each) => toSuspect(each, holders, paths));
  return suspects.sort((a, b) => b.bytes - a.bytes);
}

function toSuspect(found: Found & { holder: Holder }, holders: Holders, paths: HolderPaths): Suspect {
  const { holder, className, count, bytes, sample, closure } = found;
  const kind =
    found.kind === 'listeners' && holder.kind === 'abort-listeners' ? holder.kind : (found.kind ?? holder.kind);
  const closurePlace = closure === undefined || closure < 0 ? null : holders.scripts.placeOf(closure);
  const place = closurePlace ?? holder.place;
  const text =
    kind === 'suspended-calls' ? `suspended async calls of ${className.slice(8)} (${holder.text})` : holder.text;
  const suspect: Suspect = {
    kind,
    confidence: 'possible',
    holder: text,
    place,
    className,
    count,
    bytes,
    growth: null,
    message: '',
    path: paths.steps(holders.chainOf(sample), holder, () => null),
    remedy: REMEDIES[kind],
  };
  suspect.message = singleMessage(suspect);
  return suspect;
}
