import type { ProfileCategory } from '../profile/types.ts';

/** How flamegraphs tell categories apart, by the names that 0x has for them. */
export const CATEGORY_KINDS: Record<ProfileCategory, 'app' | 'deps' | 'core' | 'v8' | 'gc'> = {
  application: 'app',
  dependency: 'deps',
  node: 'core',
  native: 'v8',
  v8: 'v8',
  gc: 'gc',
  idle: 'v8',
};
