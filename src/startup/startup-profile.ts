import { TreeBuilder } from '../profile/tree-builder.ts';
import type { Profile } from '../profile/types.ts';
import { displayPath } from '../util/text.ts';
import type { Startup, StartupModule } from './types.ts';

/** The tree of modules as a profile, which every exporter draws. */
export function startupProfile({ modules }: Startup, title: string): Profile {
  const tree = new TreeBuilder();
  const open: [module: StartupModule, parent: number][] = modules.map((module) => [module, 0]);
  for (let next = open.pop(); next; next = open.pop()) {
    const [{ file, package: name, selfMs, modules: below }, parent] = next;
    const frame = tree.frame({
      function: displayPath(file),
      file,
      line: 1,
      column: 1,
      category: name === null ? 'application' : 'dependency',
    });
    const node = tree.child(parent, frame);
    tree.add(node, selfMs * 1000);
    for (const one of below) open.push([one, node]);
  }
  return { title, kind: 'cpu', unit: 'us', threads: [tree.build('loading of modules')] };
}
