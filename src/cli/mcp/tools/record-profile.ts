import { connect } from '../../../attach/connect.ts';
import { recordCpu } from '../../profile/record-profile.ts';
import { LIMIT, REQUIRED_PID } from '../fields.ts';
import { profileAnswer } from '../profile-answer.ts';
import type { Tool } from '../types.ts';

const FIELDS = {
  pid: REQUIRED_PID,
  seconds: { type: 'number', least: 1, most: 50, description: 'How long to record. Default: 5.' },
  thread: { type: 'string', description: 'Only this thread, such as "main" or "worker 2".' },
  limit: LIMIT,
} as const;
const DEFAULT = 15;
const DEFAULT_S = 5;
const INTERVAL_US = 1000;

export const recordProfile: Tool<typeof FIELDS> = {
  id: 'record-profile',
  title: 'Record a CPU profile',
  description:
    'Records a CPU profile of all threads of a process that runs with the agent, one sample per millisecond, which slows it down meanwhile, and answers as the tool "profile" does. That tool has the last seconds without recording anew.',
  isAction: true,
  fields: FIELDS,
  async run({ pid, seconds = DEFAULT_S, thread, limit = DEFAULT }) {
    const connection = await connect(pid);
    try {
      const request = { durationMs: seconds * 1000, intervalUs: INTERVAL_US, inlining: false };
      const { problems: _, ...recorded } = await recordCpu(connection, request);
      return profileAnswer({ title: '', ...recorded }, { limit, ...(thread !== undefined && { thread }) });
    } finally {
      connection.close();
    }
  },
};
