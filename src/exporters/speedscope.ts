import { frameName } from '../profile/call-tree.ts';
import type { Profile, ProfileFrame, ThreadProfile } from '../profile/types.ts';
import { stripControl } from '../util/text.ts';
import { LEFT_OUT, LEFT_OUT_FRAME, spelledStacks } from './spelled-stacks.ts';
import type { Exporter } from './types.ts';

/** Up to 10 letters each. */
const MAX_FRAMES = 20e6;

const UNIT: Record<Profile['unit'], string> = { us: 'microseconds', bytes: 'bytes', samples: 'none' };

/** For https://www.speedscope.app: all threads, in the order of time if that is known. */
export const speedscope: Exporter = {
  id: 'speedscope',
  title: 'speedscope',
  extension: 'speedscope.json',
  mediaType: 'application/json',
  write({ title, threads, unit }) {
    const stacks = spelledStacks(threads, MAX_FRAMES, false);
    const frames: string[] = [];
    let leftOut: number | null = null;
    const leftOutIndex = (): number => {
      leftOut ??= frames.push(frameText(LEFT_OUT_FRAME)) - 1;
      return leftOut;
    };
    const profiles = threads.map((thread, i) => {
      const offset = frames.length;
      for (const frame of thread.frames) frames.push(frameText(frame));
      const stackText = (node: number): string => {
        const indexes = stacks[i]!(node).map((frame) => (frame === LEFT_OUT ? leftOutIndex() : frame + offset));
        return `[${indexes.join(',')}]`;
      };
      return profileText(thread, stackText, UNIT[unit]);
    });
    const head = `"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"evdiag","name":${JSON.stringify(stripControl(title))}`;
    return `{${head},"activeProfileIndex":0,"shared":{"frames":[${frames.join(',\n')}]},"profiles":[${profiles.join(',\n')}]}\n`;
  },
};

function frameText(frame: ProfileFrame): string {
  const { file, line, column } = frame;
  const place = {
    ...(file && { file: stripControl(file) }),
    ...(line > 0 && { line }),
    ...(column > 0 && { col: column }),
  };
  return JSON.stringify({ name: stripControl(frameName(frame)), ...place });
}

function profileText(thread: ThreadProfile, toText: (node: number) => string, unit: string): string {
  // Each stack is written once, and used for all its samples.
  const stacks: (string | undefined)[] = [];
  const stackText = (node: number): string => {
    stacks[node] ??= toText(node);
    return stacks[node];
  };
  const samples: string[] = [];
  const weights: number[] = [];
  let total = 0;
  let last = -1;
  const add = (node: number, weight: number): void => {
    total += weight;
    if (node === last) weights[weights.length - 1]! += weight;
    else {
      samples.push(stackText(node));
      weights.push(weight);
    }
    last = node;
  };
  const { samples: taken, self } = thread;
  if (taken) for (let i = 0; i < taken.node.length; i++) add(taken.node[i]!, taken.weight[i]!);
  else for (let node = 0; node < self.length; node++) if (self[node]! > 0) add(node, self[node]!);
  const name = JSON.stringify(stripControl(thread.name));
  return `{"type":"sampled","name":${name},"unit":"${unit}","startValue":0,"endValue":${total},"samples":[${samples.join(',')}],"weights":[${weights.join(',')}]}`;
}
