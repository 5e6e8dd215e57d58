import type { Header, Row } from '../recording/types.ts';

/** What the agent sends to a viewer: a thread with the rows that are kept of it, then its new rows. */
export type LivePart =
  /** `folder` holds its recording; null if none is written. */
  { part: 'thread'; header: Header; folder: string | null } | { part: 'rows'; threadId: number; rows: Row[] };
