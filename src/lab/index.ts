import { switchCost } from './switch-cost.ts';
import type { Lab } from './types.ts';

export const labs: readonly Lab[] = [switchCost];
