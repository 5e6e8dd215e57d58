import { channel } from 'node:diagnostics_channel';
import { LABELS, type LabelMessage } from '../util/label-channel.ts';

const labels = channel(LABELS);

/**
 * Runs a function as a job, or as the handling of a message, with a name: evdiag then reports stalls and unfinished calls that it
 * causes, with everything that it starts, as of that name. Returns what the function returns (of a promise, one that settles alike), and
 * throws what it throws.
 *
 * Without the agent it only calls the function.
 *
 * @param kind 'job' or 'message'
 * @param name Of the kind of work, not of each piece: "nightly-import", not "import 4711". At most 120 characters are kept.
 */
export function label<T>(kind: 'job' | 'message', name: string, run: () => T): T {
  if (!labels.hasSubscribers) return run();
  const message: LabelMessage = { kind, name, run: null };
  labels.publish(message);
  return message.run ? message.run(run) : run();
}
