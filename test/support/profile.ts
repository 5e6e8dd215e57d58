import { TreeBuilder } from '../../src/profile/tree-builder.ts';
import type { Profile, ProfileFrame, ThreadProfile } from '../../src/profile/types.ts';

export function functionOf(name: string, fields: Partial<ProfileFrame> = {}): ProfileFrame {
  return { function: name, file: `/srv/app/${name}.ts`, line: 10, column: 5, category: 'application', ...fields };
}

const SPECIAL: Record<string, Partial<ProfileFrame>> = {
  '(idle)': { file: '', line: 0, column: 0, category: 'idle' },
  '(garbage collector)': { file: '', line: 0, column: 0, category: 'gc' },
};

/** Samples in order: 'outer;inner' with their weight. */
export function threadOf(
  samples: readonly (readonly [stack: string, weight: number])[],
  name = 'main thread',
): ThreadProfile {
  const builder = new TreeBuilder();
  const node = samples.map(([stack, weight]) => {
    const frames = stack
      .split(';')
      .filter(Boolean)
      .map((its) => builder.frame(functionOf(its, SPECIAL[its])));
    const at = builder.stack(frames);
    builder.add(at, weight);
    return at;
  });
  let at = 0;
  const atUs = samples.map(([, weight]) => {
    at += weight;
    return at - weight;
  });
  return builder.build(name, {
    samples: {
      node: Uint32Array.from(node),
      atUs: Float64Array.from(atUs),
      weight: Float64Array.from(samples, ([, weight]) => weight),
    },
    taken: { spanUs: at, sampleCount: samples.length, interval: 1000, missedCount: 0, warmCode: true, apart: true },
  });
}

export function profileOf(threads: readonly ThreadProfile[], fields: Partial<Profile> = {}): Profile {
  return { title: 'node app.js', kind: 'cpu', unit: 'us', threads, ...fields };
}

/** Weights by stack, 'outer;inner': what must be the same before and after. */
export function stacksOf({ parent, frame, frames, self }: ThreadProfile): Record<string, number> {
  const names: string[] = [''];
  const stacks: Record<string, number> = {};
  for (let node = 1; node < parent.length; node++) {
    const above = names[parent[node]!]!;
    const { function: name } = frames[frame[node]!]!;
    names[node] = above === '' ? name : `${above};${name}`;
    if (self[node]! > 0) stacks[names[node]!] = (stacks[names[node]!] ?? 0) + Math.round(self[node]!);
  }
  return stacks;
}
