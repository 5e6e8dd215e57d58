import type { Frame } from '../recording/types.ts';
import type { ProfileFrame } from './types.ts';

/** What a profile keeps of a frame: who awaits it is not part of it. */
export function profileFrame({ function: name, file, line, column, category }: Frame): ProfileFrame {
  return { function: name, file, line, column, category };
}
