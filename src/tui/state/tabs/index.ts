import type { Tab } from '../types.ts';
import { async } from './async.ts';
import { findings } from './findings.ts';
import { handles } from './handles.ts';
import { memory } from './memory.ts';
import { overview } from './overview.ts';
import { profile } from './profile.ts';
import { stalls } from './stalls.ts';
import { threads } from './threads.ts';

/** In the order of the screen: the digit of a tab is its place. */
export const tabs: readonly Tab[] = [overview, stalls, handles, async, memory, findings, threads, profile];
