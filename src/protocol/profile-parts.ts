/** What crosses the agent's socket while CPU profiles are taken. */

/** Parameters of the method `cpu-profile`. */
export interface CpuProfileRequest {
  durationMs: number;
  /** Mean time between two samples. */
  intervalUs: number;
  /** V8 may inline functions meanwhile, as usual; then their time counts for their callers. */
  inlining: boolean;
}

/** A piece of a profile's JSON. `threadId` 0 is the main thread. */
export interface TextPart {
  part: 'profile';
  threadId: number;
  text: string;
}

/** The last part of a thread: a summary of its profile. */
export interface CpuProfiled {
  part: 'profiled';
  threadId: number;
  /** As it was set; the actual mean differs by chance. */
  intervalUs: number;
  /** Functions that were optimised before are in it. */
  warmCode: boolean;
  /** Each function has its own time, inlined ones as well. */
  apart: boolean;
  /** Absolute path of the agent: its functions in the profile are not the program's. */
  agentFile: string;
  /** Null if there was none. */
  problem: string | null;
}

export type CpuProfilePart = TextPart | CpuProfiled;

/** https://chromedevtools.github.io/devtools-protocol/v8/Profiler/#type-Profile, times in µs of a monotonic clock. */
export interface V8CpuProfile {
  nodes: V8ProfileNode[];
  startTime: number;
  endTime: number;
  samples: number[];
  timeDeltas: number[];
}

export interface V8ProfileNode {
  id: number;
  /** Line and column 0-based, -1 where unknown. */
  callFrame: { functionName: string; scriptId: string; url: string; lineNumber: number; columnNumber: number };
  children?: number[];
  /** Lines are 1-based. */
  positionTicks?: { line: number; ticks: number }[];
}

/** Parameters of the method `recent-profile`. */
export interface RecentProfileRequest {
  /** How far back. */
  lastMs: number;
}

/** The last part of a thread. Stacks are taken where V8 can be interrupted, and none while the thread is idle. */
export interface RecentProfiled {
  part: 'profiled';
  threadId: number;
  /** Mean time between two stacks of a thread that is busy. */
  intervalUs: number;
  problem: string | null;
}

export type RecentProfilePart = TextPart | RecentProfiled;

/** Parameters of the method `loaded-maps`. */
export interface LoadedMapsRequest {
  /** Scripts, as V8 names them. */
  urls: string[];
}

/** Of the method `loaded-maps`, for each script that has one: a text that ends in its `sourceMappingURL`. */
export interface LoadedMapPart {
  part: 'map';
  url: string;
  text: string;
}

/** Longest time that is kept; what is older than a minute is kept in part. */
export const MAX_RECENT_MS = 600_000;
