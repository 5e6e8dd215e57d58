/** speedscope's own format. Schema: https://www.speedscope.app/file-format-schema.json */
import { arrayOf, bad, type Loose, numberOf, objectOf, textOf, weightOf } from './loose.ts';
import { categoryOf } from './read-collapsed.ts';
import { TreeBuilder } from './tree-builder.ts';
import type { Profile, ProfileFrame, ThreadProfile } from './types.ts';
import { UNITS } from './units.ts';

/** All its profiles as threads. Throws InputError. */
export function readSpeedscope(value: unknown): Pick<Profile, 'unit' | 'threads'> {
  const file = objectOf(value, 'the file');
  const shared = arrayOf(objectOf(file.shared, '"shared"').frames, '"shared.frames"').map(toFrame);
  const profiles = arrayOf(file.profiles, '"profiles"').map((profile) => objectOf(profile, 'a profile'));
  if (profiles.length === 0) throw bad('it has no profile');
  const [unit] = UNITS.get(textOf(profiles[0]!.unit)) ?? ['samples', 1];
  return { unit, threads: profiles.map((profile, i) => toThread(profile, shared, i)) };
}

function toFrame(value: unknown): ProfileFrame {
  const { name, file, line, col } = objectOf(value, 'a frame');
  const [its, path] = [textOf(name), textOf(file)];
  return {
    function: its,
    file: path,
    line: numberOf(line, 0),
    column: numberOf(col, 0),
    category: categoryOf(its, path),
  };
}

function toThread(profile: Loose, shared: readonly ProfileFrame[], index: number): ThreadProfile {
  const [, factor] = UNITS.get(textOf(profile.unit)) ?? ['samples', 1];
  const builder = new TreeBuilder();
  const known: number[] = [];
  const frame = (id: unknown): number => {
    const index = numberOf(id, -1);
    const of = shared[index];
    if (!of) throw bad('a frame is missing in "shared.frames"');
    known[index] ??= builder.frame(of);
    return known[index];
  };
  if (profile.type === 'sampled') addSampled(profile, builder, frame, factor);
  else if (profile.type === 'evented') addEvented(profile, builder, frame, factor);
  else throw bad(`a profile is neither "sampled" nor "evented"`);
  return builder.build(textOf(profile.name) || `thread ${index + 1}`);
}

function addSampled(profile: Loose, builder: TreeBuilder, frame: (id: unknown) => number, factor: number): void {
  const samples = arrayOf(profile.samples, '"samples"');
  const weights = arrayOf(profile.weights, '"weights"');
  if (weights.length !== samples.length) throw bad('it has different numbers of weights and samples');
  for (let i = 0; i < samples.length; i++) {
    const node = builder.stack(arrayOf(samples[i], 'a sample').map(frame));
    builder.add(node, weightOf(weights[i]) * factor);
  }
}

/** Frames are opened and closed: the time in between belongs to the innermost. */
function addEvented(profile: Loose, builder: TreeBuilder, frame: (id: unknown) => number, factor: number): void {
  const stack: { node: number; frame: number }[] = [];
  let from = numberOf(profile.startValue, 0);
  for (const value of arrayOf(profile.events, '"events"')) {
    const event = objectOf(value, 'an event');
    const at = numberOf(event.at, from);
    builder.add(stack.at(-1)?.node ?? 0, weightOf(at - from) * factor);
    from = Math.max(from, at);
    const id = frame(event.frame);
    if (event.type === 'O') stack.push({ node: builder.child(stack.at(-1)?.node ?? 0, id), frame: id });
    else if (stack.pop()?.frame !== id) throw bad('a frame is closed that is not the innermost');
  }
}
