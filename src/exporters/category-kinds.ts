import type { ProfileCategory } from '../profile/types.ts';

/** The categories of flamegraphs, by their names in 0x. */
export const CATEGORY_KINDS: Record<ProfileCategory, 'app' | 'deps' | 'core' | 'v8' | 'gc'> = {
  application: 'app',
  dependency: 'deps',
  node: 'core',
  native: 'v8',
  v8: 'v8',
  gc: 'gc',
  idle: 'v8',
};
