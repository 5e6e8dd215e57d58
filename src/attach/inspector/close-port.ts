import { startTicks } from '../process/state.ts';
import { CLOSE_EXPRESSION, evaluation } from './expressions.ts';
import { type InspectorClient, openInspector } from './inspector-client.ts';
import { isOpen, waitForClose } from './open-port.ts';
import { wayTo } from './streams.ts';

/** A blocked thread evaluates between two of its own instructions; one in a native call when that returns. */
const CLOSE_MS = 60_000;

/** Closes what SIGUSR1 has opened, whatever has failed. Never throws. `client`: a connection that is there already. */
export async function closePort(pid: number, port: number, client: InspectorClient | null): Promise<void> {
  try {
    const own = client ?? (await openInspector(wayTo(pid), port));
    own.send('Runtime.evaluate', evaluation(CLOSE_EXPRESSION));
    await waitForClose(pid, port, CLOSE_MS);
    own.close();
  } catch {
    // It has ended, or is closed already.
  }
}

/** The same, if it is open, and the process the one that was started then. `before`: sockets that listened before SIGUSR1. */
export async function closeIfOpen(
  pid: number,
  port: number,
  { before, started }: { before: ReadonlySet<string>; started: number | null },
): Promise<void> {
  if (started !== null && startTicks(pid) === started && isOpen(pid, port, before)) await closePort(pid, port, null);
}
