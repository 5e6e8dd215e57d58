import { blockedEventLoop } from './blocked-event-loop.ts';
import type { Detector } from './types.ts';

export const detectors: readonly Detector[] = [blockedEventLoop];
