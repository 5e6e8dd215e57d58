import type { AwaitCycle, CallGroup, Dump, DumpedThread } from '../../async-dump/dump.ts';
import { settledText } from '../../async-dump/text-parts.ts';
import { threadName } from '../../recording/thread-name.ts';
import { commandText } from '../../report/words.ts';
import { painter } from '../../util/terminal.ts';
import { formatMs } from '../../util/text.ts';
import { asData, nameAsData, pathAsData } from './as-data.ts';
import { dataPlace, placeWithSource, stackLines } from './place.ts';
import type { Answer } from './types.ts';

const MOST_THREADS = 4;
const MOST_FRAMES = 8;
const MOST_AWAITERS = 5;
const MOST_OTHERS = 5;
const plain = painter(false);

/** A dump: the threads as facts, the suspended calls of all as entries, the most frequent first. */
export function dumpAnswer({ pid, argv, uptimeMs, level, mode, findings, threads }: Dump, limit: number): Answer {
  const calls = threads.flatMap(({ threadId, suspended }) =>
    (suspended?.calls ?? []).filter(isOfProgram).map((call) => ({ threadId, call })),
  );
  return {
    facts: {
      program: pathAsData(commandText(argv)),
      pid,
      up: formatMs(uptimeMs),
      level,
      mode,
      ...(findings && {
        findings: findings.map(({ severity, message, location, remedy }) => {
          return { severity, what: asData(message, 400), place: dataPlace(location), remedy };
        }),
      }),
      threads: threads.slice(0, MOST_THREADS).map(described),
      ...(threads.length > MOST_THREADS && { moreThreads: threads.length - MOST_THREADS }),
    },
    entries: {
      name: 'suspendedCalls',
      all: calls.sort((a, b) => b.call.count - a.call.count).map(({ threadId, call }) => describedCall(call, threadId)),
      most: limit,
    },
  };
}

/** Node's own calls wait, too. */
function isOfProgram({ category, awaitedBy }: CallGroup): boolean {
  return [category, ...awaitedBy.map((frame) => frame.category)].some((kind) => kind !== 'node' && kind !== 'native');
}

function described(thread: DumpedThread): object {
  const { threadId, state, stack, syncCall, timers, handles, suspended, problem, failedConnections = [] } = thread;
  const top = stack.find(({ category }) => category === 'application');
  return {
    thread: threadName(threadId),
    state,
    ...(syncCall && { inside: nameAsData(syncCall.name) }),
    ...(stack.length > 0 && { stack: stackLines(stack, MOST_FRAMES) }),
    ...(state === 'running' && { runs: placeWithSource(top) }),
    ...(suspended && { suspended: `${suspended.total} ${suspended.counted}`, paused: formatMs(suspended.pauseMs) }),
    ...(suspended &&
      suspended.cycles.length > 0 && { awaitCycles: suspended.cycles.slice(0, MOST_OTHERS).map(cycleLines) }),
    ...(failedConnections.length > 0 && {
      failedConnections: failedConnections
        .slice(0, MOST_OTHERS)
        .map(({ address, code, count, firstAgoMs }) =>
          nameAsData(`${address} ${code}, ${count} times in ${formatMs(firstAgoMs)}`),
        ),
    }),
    ...(timers.length > 0 && {
      timers: timers
        .slice(0, MOST_OTHERS)
        .map(({ count, repeats, delayMs, callback }) =>
          [`${count} ×`, repeats ? 'every' : 'in', formatMs(delayMs), ...stackLines([callback], 1)].join(' '),
        ),
    }),
    ...(handles.length > 0 && {
      handles: handles
        .slice(0, MOST_OTHERS)
        .map(({ count, type, detail }) => nameAsData(`${count} × ${type} ${detail}`)),
    }),
    ...(problem !== null && { problem: asData(problem, 200) }),
  };
}

/** Each waits for the next, the last for the first. */
function cycleLines({ calls }: AwaitCycle): string[] {
  return stackLines(calls, MOST_FRAMES).map(
    (line, i) => `${line} waits for ${nameAsData(calls[i]!.lock || 'the next')}`,
  );
}

function describedCall(call: CallGroup, threadId: number): object {
  const { count, awaits, awaitedBy, otherAwaiters, repeats, settledBy, ageMs } = call;
  return {
    count,
    place: dataPlace(call),
    ...(threadId !== 0 && { thread: threadName(threadId) }),
    ...(awaits !== '' && { awaits: asData(awaits, 160) }),
    ...(ageMs !== null && { oldest: formatMs(ageMs) }),
    ...(settledBy && { settledBy: asData(settledText(settledBy, plain), 240) }),
    ...(awaitedBy.length > 0 && { awaitedBy: stackLines(awaitedBy, MOST_AWAITERS) }),
    ...(otherAwaiters > 0 && { otherAwaiters }),
    ...(repeats && { repeats: 'It awaits itself again and again: an await cycle or a deep recursion.' }),
  };
}
