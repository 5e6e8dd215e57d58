import type { Connection } from '../../attach/connect.ts';
import type { ThreadProblem } from '../../attach/gather-threads.ts';
import { type TakenCpuProfile, takeCpuProfiles } from '../../attach/take-cpu-profile.ts';
import { loadedMapper, urlsOf } from '../../attach/take-loaded-maps.ts';
import { TargetError } from '../../attach/target-error.ts';
import type { Profile } from '../../profile/types.ts';
import type { Action, ShownProfile, State } from '../../tui/state/types.ts';
import { formatMs } from '../../util/text.ts';
import { toThreadProfile } from '../profile/taken-profile.ts';

/** A profile that the user forgets to end lasts ten minutes. */
const MOST_MS = 600_000;
const INTERVAL_US = 1000;
/** V8's clock is the process's monotonic one (Node 20–26); if it gives an impossible time, ours is used. */
const SLACK_MS = 100;

type Dispatch = (action: Action) => void;

/** CPU profiles by a key of the terminal UI: the first press begins one, the second ends it. */
export function createLiveProfile() {
  let running: Connection | null = null;
  let count = 0;
  return {
    isRunning: () => running !== null,
    press(connection: Connection | null, dispatch: Dispatch, state: () => State): void {
      if (running) {
        // If the process has ended, it is reported as lost.
        running.request('end-cpu-profile', {}).catch(() => {});
        return;
      }
      if (!connection) return;
      running = connection;
      const { pid } = connection.hello;
      dispatch({ type: 'profiling', pid });
      take(connection, state)
        .then(({ profile, problems }) => {
          dispatch({ type: 'profile', profile: { ...profile, id: `taken ${++count}` } });
          const [first] = problems;
          if (first) dispatch({ type: 'message', text: `No profile of worker ${first.threadId}: ${first.problem}.` });
        })
        .catch((error: Error) => dispatch({ type: 'profile-lost', why: lostText(error) }))
        .finally(() => {
          running = null;
        });
    },
  };
}

function lostText(error: Error): string {
  const isLost = error instanceof TargetError && error.code === 'ended';
  return `${isLost ? 'The profile is lost' : 'There is no profile'}. ${error.message}`;
}

async function take(
  connection: Connection,
  state: () => State,
): Promise<{ profile: ShownProfile; problems: ThreadProblem[] }> {
  const { pid, argv } = connection.hello;
  const before = (await connection.request('hello', {})).uptimeMs;
  const request = { durationMs: MOST_MS, intervalUs: INTERVAL_US, inlining: false };
  const { threads, problems } = await takeCpuProfiles(connection, request);
  const after = (await connection.request('hello', {})).uptimeMs;
  const zeroMs = zeroOf(state(), pid);
  const between = zeroMs === null ? null : { fromMs: zeroMs + before, toMs: zeroMs + after };
  const map = await loadedMapper(
    connection,
    threads.flatMap((taken) => urlsOf(taken.profile)),
  );
  const profile: Profile = {
    title: argv.join(' '),
    kind: 'cpu',
    unit: 'us',
    threads: threads.map((taken) => toThreadProfile(taken, map)),
  };
  const shown: ShownProfile = {
    ...{ id: '', name: `taken at ${formatMs(before)}`, pid, profile, problem: null },
    threads: threads.map((thread) => ({
      threadId: thread.threadId,
      startMonotonicMs: startOf(thread, between),
      spanMs: thread.spanMs,
    })),
  };
  return { profile: shown, problems };
}

/** When the main thread's recording began; its uptime counts from then. */
function zeroOf({ recordings }: State, pid: number): number | null {
  const main = recordings.find(({ header }) => header.pid === pid && header.threadId === 0);
  return main?.header.startMonotonicMs ?? null;
}

function startOf({ profile }: TakenCpuProfile, between: { fromMs: number; toMs: number } | null): number | null {
  const startMs = profile.startTime / 1000;
  if (!between || (startMs >= between.fromMs - SLACK_MS && startMs <= between.toMs + SLACK_MS)) return startMs;
  return between.fromMs;
}
