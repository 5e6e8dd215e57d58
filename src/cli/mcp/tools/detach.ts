import { connect } from '../../../attach/connect.ts';
import { askToLeave } from '../../../attach/leave.ts';
import { blockedText } from '../../target/visit.ts';
import { pathAsData } from '../as-data.ts';
import { REQUIRED_PID } from '../fields.ts';
import type { Tool } from '../types.ts';

const FIELDS = { pid: REQUIRED_PID } as const;

export const detach: Tool<typeof FIELDS> = {
  id: 'detach',
  title: 'Take the agent out',
  description: 'Takes the agent out of a running process, which goes on as before. Its recording stays.',
  isAction: true,
  fields: FIELDS,
  async run({ pid }) {
    const connection = await connect(pid);
    try {
      const { blocked, recording } = await askToLeave(connection);
      const done = blocked.length > 0 ? blockedText(pid) : `The agent has left process ${pid}.`;
      return { facts: { done, ...(recording !== null && { recording: pathAsData(recording) }) } };
    } finally {
      connection.close();
    }
  },
};
