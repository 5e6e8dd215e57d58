import { connect } from '../../../attach/connect.ts';
import { takeDump } from '../../../attach/take-dump.ts';
import type { DumpMode } from '../../../protocol/dump-parts.ts';
import { InputError } from '../../../util/input-error.ts';
import { formatBytes, formatMs } from '../../../util/text.ts';
import { ANNOUNCED_MS, type Costs, estimateOf } from '../../dump-costs.ts';
import { withFindings } from '../../dump-findings.ts';
import { dumpAnswer } from '../dump-answer.ts';
import { LIMIT, REQUIRED_PID } from '../fields.ts';
import type { Tool, ToolContext } from '../types.ts';

const FIELDS = {
  pid: REQUIRED_PID,
  full: {
    type: 'boolean',
    description:
      'Also take a heap snapshot, which shows what would settle each call and await cycles. Needs --allow-actions.',
  },
  limit: LIMIT,
} as const;
const DEFAULT = 15;

export const dump: Tool<typeof FIELDS> = {
  id: 'dump',
  title: 'What a process does and waits for',
  description:
    'What the threads of a process that runs with the agent do at this moment, even if it is blocked: stack, suspended async calls with what they await and who awaits them, await cycles, connections that fail again and again, timers and handles.',
  isAction: false,
  fields: FIELDS,
  async run({ pid, full = false, limit = DEFAULT }, context) {
    const connection = await connect(pid);
    try {
      const mode: DumpMode = full ? 'full' : 'quick';
      requireSmallPause(pid, mode, await estimateOf(connection), context);
      return dumpAnswer(withFindings(await takeDump(connection, { mode }), connection.hello.family), limit);
    } finally {
      connection.close();
    }
  },
};

/** A pause that nobody notices changes nothing; a longer one is an action. Throws InputError. */
function requireSmallPause(pid: number, mode: DumpMode, costs: Costs, { allowActions }: ToolContext): void {
  const { quickMs, fullMs, neededBytes, availableBytes } = costs;
  const pause = `It pauses process ${pid} for about ${formatMs(mode === 'full' ? fullMs : quickMs)}`;
  if (!allowActions && (mode === 'full' || quickMs > ANNOUNCED_MS)) {
    throw new InputError(`${pause}: that is an action. Start "evdiag mcp" with --allow-actions for it.`);
  }
  if (mode === 'full' && availableBytes < neededBytes) {
    throw new InputError(
      `It needs about ${formatBytes(neededBytes)} of memory, ${formatBytes(availableBytes)} are available. Leave "full" out.`,
    );
  }
}
