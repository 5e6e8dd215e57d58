import type { Connection } from '../attach/connect.ts';
import { takeCpuProfiles } from '../attach/take-cpu-profile.ts';
import { speedscope } from '../exporters/speedscope.ts';
import { withoutIdle } from '../profile/call-tree.ts';
import { tableOf } from '../profile/table.ts';
import { takenText } from '../profile/taken-text.ts';
import type { Profile } from '../profile/types.ts';
import type { Action } from '../tui/state/types.ts';
import { painter } from '../util/terminal.ts';
import { tableText, treeText } from './profile-text.ts';
import { toThreadProfile } from './taken-profile.ts';
import { freeName, writePrivate } from './write-file.ts';

/** Who forgets to end it has ten minutes. */
const MOST_MS = 600_000;
const INTERVAL_US = 1000;
const ROWS = 30;

/** CPU profiles from the keyboard of the terminal UI: the first key begins one, the second ends it and shows what is hot. */
export function createLiveProfile() {
  let running: Connection | null = null;
  return (connection: Connection, dispatch: (action: Action) => void, columns: number): void => {
    if (running) {
      running.request('end-cpu-profile').catch(() => {});
      return;
    }
    running = connection;
    dispatch({ type: 'message', text: `Process ${connection.hello.pid} is being profiled: press f to end that.` });
    take(connection, columns)
      .then(({ title, lines }) => dispatch({ type: 'show', title, lines }))
      .catch((error: Error) => dispatch({ type: 'message', text: error.message }))
      .finally(() => {
        running = null;
      });
  };
}

async function take(connection: Connection, columns: number): Promise<{ title: string; lines: string[] }> {
  const request = { durationMs: MOST_MS, intervalUs: INTERVAL_US, inlining: false };
  const { threads } = await takeCpuProfiles(connection, request);
  const { pid, argv } = connection.hello;
  const profile: Profile = { title: argv.join(' '), kind: 'cpu', unit: 'us', threads: threads.map(toThreadProfile) };
  // The one that holds all threads, in the order of time.
  const file = freeName(String(pid), speedscope.extension);
  writePrivate(file, [speedscope.write(profile)]);
  const look = { paint: painter(false), width: columns, rows: ROWS };
  const trees = profile.threads.flatMap((thread) => ['', thread.name, treeText(withoutIdle(thread), 'us', look)]);
  const text = [
    `${takenText(profile)} · saved as ${file}`,
    '',
    tableText(tableOf(profile, 'function'), 'us', look),
    ...trees,
  ];
  return { title: 'CPU profile', lines: text.join('\n').trimEnd().split('\n') };
}
