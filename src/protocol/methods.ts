import type { Level } from '../recording/types.ts';
import type { AllocationPart, AllocationRequest } from './allocation-parts.ts';
import type { AsyncTracePart, AsyncTraceRequest } from './async-trace.ts';
import type { DumpPart, DumpRequest } from './dump-parts.ts';
import type { Estimate } from './estimate.ts';
import type { Hello } from './hello.ts';
import type { LivePart } from './live.ts';
import type {
  CpuProfilePart,
  CpuProfileRequest,
  LoadedMapPart,
  LoadedMapsRequest,
  RecentProfilePart,
  RecentProfileRequest,
} from './profile-parts.ts';
import type { WhyPart } from './why-parts.ts';
import type { SnapshotRequest, WrittenSnapshot } from './written-snapshot.ts';

/** `blocked`: numbers of threads; `recording`: its folder, null where nothing was written. */
export interface Departed {
  blocked: number[];
  recording: string | null;
  /** It stays as long as others are connected. */
  stays: boolean;
}

export interface LeaveRequest {
  /** Not while others are connected. */
  ifAlone?: boolean;
}

/** An empty object: no parameters, or no result. */
type Nothing = Record<string, never>;

/**
 * The methods of the agent's socket, by name: the parameters of a request, the parts of a long answer, and its result.
 *
 * Lines of JSON: `{id, method, params}`, answered by any number of `{id, part}`, then `{id, result}` or
 * `{id, error: {message, code?}}`. Both ends take their types from here: the methods of `agents/watchdog/socket`, and `src/attach`.
 */
interface Methods {
  'allocation-profile': { params: AllocationRequest; part: AllocationPart; result: Nothing };
  'async-trace': { params: AsyncTraceRequest; part: AsyncTracePart; result: Nothing };
  'cpu-profile': { params: CpuProfileRequest; part: CpuProfilePart; result: Nothing };
  dump: { params: DumpRequest; part: DumpPart; result: Nothing };
  'end-async-trace': { params: Nothing; part: never; result: Nothing };
  'end-cpu-profile': { params: Nothing; part: never; result: Nothing };
  estimate: { params: Nothing; part: never; result: Estimate };
  hello: { params: Nothing; part: never; result: Hello };
  /** The agent leaves the process; threads that are blocked let it go when they return to their loop. */
  leave: { params: LeaveRequest; part: never; result: Departed };
  'loaded-maps': { params: LoadedMapsRequest; part: LoadedMapPart; result: Nothing };
  'recent-profile': { params: RecentProfileRequest; part: RecentProfilePart; result: Nothing };
  'set-level': { params: { level: Level }; part: never; result: Nothing };
  snapshot: { params: SnapshotRequest; part: never; result: WrittenSnapshot };
  /** Ends with the connection, or with an error. */
  watch: { params: Nothing; part: LivePart; result: never };
  why: { params: Nothing; part: WhyPart; result: Nothing };
}

export type MethodName = keyof Methods;
export type ParamsOf<Name extends MethodName> = Methods[Name]['params'];
export type PartOf<Name extends MethodName> = Methods[Name]['part'];
export type ResultOf<Name extends MethodName> = Methods[Name]['result'];

/** As they come over the socket: under these names, if present at all, but of any type. */
export type Unchecked<T> = { [Name in keyof T]?: unknown };

/** Why a request failed, in the cases where a client acts on it; in all other cases there is no code. */
export type FailureCode =
  /** The viewer did not read what it watches. */
  | 'too-slow'
  /** The agent is about to leave the process. */
  | 'leaving';
