import { resolve } from 'node:path';
import { askLevel } from '../../../attach/ask-level.ts';
import { attach as attachTo } from '../../../attach/attach.ts';
import { type Connection, connectIfThere } from '../../../attach/connect.ts';
import { TargetError } from '../../../attach/target-error.ts';
import type { Level } from '../../../recording/types.ts';
import { visitEnvironment } from '../../target/visit.ts';
import { pathAsData } from '../as-data.ts';
import { REQUIRED_PID } from '../fields.ts';
import type { Answer, Tool } from '../types.ts';

const FIELDS = {
  pid: REQUIRED_PID,
  level: { type: 'string', choices: ['watch', 'diagnose'], description: 'How closely it looks. Default: diagnose.' },
  minutes: { type: 'number', least: 0.1, most: 1440, description: 'When it leaves by itself. Default: 10.' },
  out: {
    type: 'string',
    description: 'Folder for the recording. Default: .evdiag in the working folder of the process.',
  },
} as const;
const DEFAULT_MINUTES = 10;
const TIMEOUT_MS = 30_000;

export const attach: Tool<typeof FIELDS> = {
  id: 'attach',
  title: 'Load the agent',
  description:
    'Loads the agent into a running Node.js process that was started without it, for some minutes; Node prints "Debugger listening" on its stderr. Where the agent is already, its level is set. Then ask "findings" with the pid. The tool "detach" takes the agent out again.',
  isAction: true,
  fields: FIELDS,
  async run({ pid, level = 'diagnose', minutes = DEFAULT_MINUTES, out }) {
    const there = await connected(pid);
    if (there) return withLevel(there, level as Level);
    const { connection } = await attachTo(pid, {
      env: { ...visitEnvironment(level as Level), ...(out !== undefined && { EVDIAG_OUT: resolve(out) }) },
      aloneMs: null,
      forMs: minutes * 60_000,
      record: true,
      timeoutMs: TIMEOUT_MS,
    });
    connection.close();
    return answer(connection, { attached: true, level, leavesAfterMinutes: minutes });
  },
};

async function withLevel(connection: Connection, level: Level): Promise<Answer> {
  try {
    await askLevel(connection, level);
  } finally {
    connection.close();
  }
  return answer(connection, { attached: false, why: 'The agent was there already.', level });
}

function answer({ hello }: Connection, facts: object): Answer {
  return { facts: { pid: hello.pid, ...facts, recording: pathAsData(hello.family) } };
}

/** Null where there is no agent. */
async function connected(pid: number): Promise<Connection | null> {
  try {
    return await connectIfThere(pid);
  } catch (error) {
    if (error instanceof TargetError && error.code === 'no-agent') return null;
    throw error;
  }
}
