import { InputError } from '../../../util/input-error.ts';
import { leakReport } from '../../hunt.ts';
import { leaksOfRecording } from '../../recording-leaks.ts';
import { LIMIT, PID, RECORDING } from '../fields.ts';
import { leaksAnswer } from '../leaks-answer.ts';
import { recordingPath } from '../recording-source.ts';
import type { Tool } from '../types.ts';

const FIELDS = {
  pid: PID,
  recording: RECORDING,
  snapshots: {
    type: 'strings',
    description: 'Instead: one to three .heapsnapshot files of one process, the oldest first.',
  },
  limit: LIMIT,
} as const;
const DEFAULT = 8;
const MAX_SNAPSHOTS = 3;

export const leaks: Tool<typeof FIELDS> = {
  id: 'leaks',
  title: 'Memory leaks',
  description:
    'What grows and is never freed. Of a recording, or of the recording of a running process (pid): which line makes what stays. Of heap snapshots: the variable, listener, timer or call that holds it, its line, the path to it, and what to change.',
  isAction: false,
  fields: FIELDS,
  async run({ snapshots, limit = DEFAULT, ...given }) {
    if (snapshots === undefined) return leaksAnswer(leaksOfRecording(await recordingPath(given)), limit);
    if (given.pid !== undefined || given.recording !== undefined) {
      throw new InputError('Give "snapshots", "pid" or "recording": one of them.');
    }
    if (snapshots.length < 1 || snapshots.length > MAX_SNAPSHOTS) {
      throw new InputError('Give one to three .heapsnapshot files of one process.');
    }
    const report = await leakReport({ kind: 'snapshots', files: snapshots }, { steps: snapshots.length });
    return leaksAnswer(report!, limit);
  },
};
