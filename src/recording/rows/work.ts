/** Whose work the thread did: requests that it answered, and jobs that the program names. */
import type { RowBase } from './header.ts';

/** `request`: a request that a server of this thread answers. `job`, `message`: by `label()`. */
export const WORK_KINDS = ['request', 'job', 'message'] as const;
export type WorkKind = (typeof WORK_KINDS)[number];

/** A request by method and route, "GET /users/:id", never with its query; a job or a message by the name that the program gives. */
export interface Work {
  kind: WorkKind;
  name: string;
}

export interface WorkShare extends Work {
  count: number;
}

export interface WorkEntry extends Work {
  /** Ended within the interval. */
  count: number;
  /** Of these, answered with a status of 500 or more, or rejected. */
  failed: number;
  /** Of these, left by the client before they were answered; without a duration. */
  aborted: number;
  maxMs: number;
  /** How many took how long, by bucket: see util/duration-buckets.ts. */
  durations: [bucket: number, count: number][];
}

/** What ended within the interval, by route (format 1.6). */
export interface WorkRow extends RowBase {
  type: 'work';
  intervalMs: number;
  /** Of the interval, how much was followed, 0..1: the counts are of that. */
  seenShare: number;
  entries: WorkEntry[];
}
