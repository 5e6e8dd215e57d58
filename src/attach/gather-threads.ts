import type { MethodName, ParamsOf, PartOf } from '../protocol/methods.ts';
import type { TextPart } from '../protocol/profile-parts.ts';
import type { Connection } from './connect.ts';
import { TargetError } from './target-error.ts';

/** The results of the threads, the main thread first. */
export interface Gathered<Thread> {
  threads: Thread[];
  problems: ThreadProblem[];
}

/** Why a thread has no result: a fragment that follows a colon. */
export interface ThreadProblem {
  threadId: number;
  problem: string;
}

/** Takes the parts of one thread in their order; returns the result at the last one, null until then. */
export type PartReader<Part, Thread> = (part: Part) => Thread | { problem: string } | null;

/** Methods that send parts for each thread. */
type ThreadMethod = { [Name in MethodName]: PartOf<Name> extends { threadId: number } ? Name : never }[MethodName];

export interface Gathering<Name extends ThreadMethod, Thread> {
  method: Exclude<Name, 'watch'>;
  params: ParamsOf<Name>;
  /** Between two messages. */
  timeoutMs: number;
  /** What is asked for, for messages: "No profile of process 7: …". */
  what: string;
  /** Called once for each thread with parts. */
  readerFor(threadId: number): PartReader<PartOf<Name>, Thread>;
}

/** Sends a request for all threads and gathers the parts. Rejects with TargetError, also if no thread has a result. */
export async function gatherThreads<Name extends ThreadMethod, Thread extends { threadId: number }>(
  connection: Connection,
  { method, params, timeoutMs, what, readerFor }: Gathering<Name, Thread>,
): Promise<Gathered<Thread>> {
  const readers = new Map<number, PartReader<PartOf<Name>, Thread>>();
  const threads: Thread[] = [];
  const problems: ThreadProblem[] = [];
  const onPart = (part: PartOf<Name> & { threadId: number }): void => {
    const { threadId } = part;
    const read = readers.get(threadId) ?? readerFor(threadId);
    readers.set(threadId, read);
    const came = read(part);
    if (came && 'threadId' in came) threads.push(came);
    else if (came) problems.push({ threadId, problem: came.problem });
  };
  await connection.request(method, params, { onPart, timeoutMs });
  if (threads.length > 0) return { threads: threads.sort((a, b) => a.threadId - b.threadId), problems };
  const why = problems[0]?.problem ?? 'it has no thread';
  throw new TargetError(`No ${what} of process ${connection.hello.pid}: ${why}.`);
}

/** Reads a text that is sent in pieces, then a last part with its description. */
export function readText<Last extends { part: 'profiled'; problem: string | null }, Thread>(
  finish: (text: string, last: Last) => Thread,
): PartReader<TextPart | Last, Thread> {
  const pieces: string[] = [];
  return (part) => {
    if (part.part === 'profile') {
      pieces.push(part.text);
      return null;
    }
    if (part.problem !== null) return { problem: part.problem };
    return pieces.length > 0 ? finish(pieces.splice(0).join(''), part) : { problem: 'nothing came' };
  };
}
