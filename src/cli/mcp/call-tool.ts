import { UserError } from '../../util/user-error.ts';
import { bugText } from '../bug-text.ts';
import { answerText } from './answer-text.ts';
import { asData } from './as-data.ts';
import { givenFor } from './given.ts';
import { tools } from './tools/index.ts';
import type { Tool, ToolContext } from './types.ts';

export interface Called {
  text: string;
  isError: boolean;
}

/** The tools that can be called. */
export function toolsFor({ allowActions }: ToolContext): readonly Tool[] {
  return tools.filter(({ isAction }) => allowActions || !isAction);
}

/** Never rejects: what goes wrong is an answer, one sentence or two. */
export async function callTool(
  name: string,
  values: Readonly<Record<string, unknown>>,
  context: ToolContext,
): Promise<Called> {
  const tool = tools.find(({ id }) => id === name);
  if (!tool)
    return failed(
      `There is no tool "${name}". There are: ${toolsFor(context)
        .map(({ id }) => id)
        .join(', ')}.`,
    );
  if (tool.isAction && !context.allowActions) {
    return failed(`"${tool.id}" acts on a process. Start "evdiag mcp" with --allow-actions for it.`);
  }
  try {
    return { text: answerText(await tool.run(givenFor(tool.fields, values), context)), isError: false };
  } catch (error) {
    return failed(error instanceof UserError ? error.message : bugText(error));
  }
}

/** Messages name paths, which may come from a recording. */
function failed(text: string): Called {
  return { text: asData(text), isError: true };
}
