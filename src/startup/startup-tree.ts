import { fileURLToPath } from 'node:url';
import type { MeasuredStartup, V8Profile } from '../protocol/measured-startup.ts';
import { packageNameOf } from '../recording/places.ts';
import type { Startup, StartupModule, StartupPackage } from './types.ts';

interface Entry {
  url: string;
  parent: Entry | null;
  selfUs: number;
  totalUs: number;
  children: Map<string, Entry>;
}

/** The modules of a start: whatever runs below the top level of a module, down to the next one, is its own time. */
export function startupOf({
  profile,
  importedBy,
  preload,
}: Pick<MeasuredStartup, 'profile' | 'importedBy' | 'preload'>): Startup {
  const root = entryOf('', null);
  const entries = addSamples(profile, root, preload);
  adopt(root, entries, new Map(importedBy));
  addUp(root);
  const modules = sorted(root).map(moduleOf);
  return {
    totalMs: root.totalUs / 1000,
    modules,
    packages: packagesOf(root),
  };
}

function entryOf(url: string, parent: Entry | null): Entry {
  return { url, parent, selfUs: 0, totalUs: 0, children: new Map() };
}

/** The same on Node 20 to 26: a function without a name at the very beginning of a file. */
function isModule({ callFrame: { functionName, url, lineNumber, columnNumber } }: V8Profile['nodes'][number]): boolean {
  return functionName === '' && lineNumber === 0 && columnNumber === 0 && url !== '' && !url.startsWith('node:');
}

/** The first entry of each module by its URL. */
function addSamples(
  { nodes, samples = [], timeDeltas = [] }: V8Profile,
  root: Entry,
  preload: string,
): Map<string, Entry> {
  const own = new Map<number, number>();
  // The time after a sample is that of its stack.
  samples.forEach((id, i) => {
    own.set(id, (own.get(id) ?? 0) + Math.max(0, timeDeltas[i + 1] ?? 0));
  });
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const entries = new Map<string, Entry>();
  const [first] = nodes;
  const open: [id: number, entry: Entry][] = first ? [[first.id, root]] : [];
  for (let next = open.pop(); next; next = open.pop()) {
    const [id, above] = next;
    const node = byId.get(id);
    // What measures is on the stack when the profile begins.
    if (!node || (isModule(node) && fileOf(node.callFrame.url) === preload)) continue;
    const entry = isModule(node) ? childOf(above, node.callFrame.url) : above;
    if (entry !== above && !entries.has(entry.url)) entries.set(entry.url, entry);
    if (entry !== root) entry.selfUs += own.get(id) ?? 0;
    for (const child of node.children ?? []) open.push([child, entry]);
  }
  return entries;
}

function childOf(parent: Entry, url: string): Entry {
  let child = parent.children.get(url);
  if (!child) {
    child = entryOf(url, parent);
    parent.children.set(url, child);
  }
  return child;
}

/** Gives modules whose stack does not show who loaded them to whoever imported them; one without a sample of its own hands on. */
function adopt(root: Entry, entries: ReadonlyMap<string, Entry>, importedBy: ReadonlyMap<string, string>): void {
  for (const entry of [...root.children.values()]) {
    let by = importedBy.get(entry.url);
    const seen = new Set<string>();
    while (by !== undefined && !entries.has(by) && !seen.has(by)) {
      seen.add(by);
      by = importedBy.get(by);
    }
    const parent = by === undefined ? undefined : entries.get(by);
    if (!parent || parent.children.has(entry.url) || isWithin(parent, entry)) continue;
    root.children.delete(entry.url);
    entry.parent = parent;
    parent.children.set(entry.url, entry);
  }
}

function isWithin(entry: Entry, other: Entry): boolean {
  for (let one: Entry | null = entry; one; one = one.parent) if (one === other) return true;
  return false;
}

/** A chain of modules may be deep: no recursion. */
function addUp(root: Entry): void {
  const order: Entry[] = [root];
  for (let i = 0; i < order.length; i++) for (const child of order[i]!.children.values()) order.push(child);
  for (const entry of order.reverse()) {
    entry.totalUs += entry.selfUs;
    if (entry.parent) entry.parent.totalUs += entry.totalUs;
  }
}

const sorted = ({ children }: Entry): Entry[] => [...children.values()].sort((a, b) => b.totalUs - a.totalUs);

function moduleOf(top: Entry): StartupModule {
  const made = shallow(top);
  const open: [Entry, StartupModule][] = [[top, made]];
  for (let next = open.pop(); next; next = open.pop()) {
    const [entry, module] = next;
    for (const child of sorted(entry)) {
      const below = shallow(child);
      module.modules.push(below);
      open.push([child, below]);
    }
  }
  return made;
}

function shallow({ url, selfUs, totalUs }: Entry): StartupModule {
  const file = fileOf(url);
  return { file, package: packageNameOf(file), selfMs: selfUs / 1000, totalMs: totalUs / 1000, modules: [] };
}

function fileOf(url: string): string {
  try {
    return url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    return url;
  }
}

/** The total of a package is that of its modules which no other module of it has loaded, at whatever distance. */
function packagesOf(root: Entry): StartupPackage[] {
  const packages = new Map<string | null, StartupPackage>();
  const open: { entry: Entry; above: ReadonlySet<string | null> }[] = [];
  const push = (entry: Entry, above: ReadonlySet<string | null>): void => {
    for (const child of entry.children.values()) open.push({ entry: child, above });
  };
  push(root, new Set());
  for (let next = open.pop(); next; next = open.pop()) {
    const { entry, above } = next;
    const name = packageNameOf(fileOf(entry.url));
    const known = packages.get(name) ?? { package: name, modules: 0, selfMs: 0, totalMs: 0 };
    packages.set(name, known);
    known.modules++;
    known.selfMs += entry.selfUs / 1000;
    if (!above.has(name)) known.totalMs += entry.totalUs / 1000;
    push(entry, above.has(name) ? above : new Set([...above, name]));
  }
  return [...packages.values()].sort((a, b) => b.selfMs - a.selfMs);
}
