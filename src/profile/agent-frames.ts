import { fileURLToPath } from 'node:url';
import { type Loose, numberOf, objectOf, textOf } from './loose.ts';
import type { ProfileFrame } from './types.ts';

/** The agent's functions of this name are between the program and a built-in, and pass calls on. */
const WRAPPER = 'markedCall';
/** What the agent does by itself, as one frame. */
export const AGENT_FRAME: ProfileFrame = { function: 'evdiag agent', file: '', line: 0, column: 0, category: 'node' };

/**
 * What to do with a node of V8's: `keep` it; `pass`, its time is its caller's, as it only wraps; `agent`, it is the agent's own work.
 */
export type AgentPart = 'keep' | 'pass' | 'agent';

/**
 * Separates the agent's nodes from the program's, by the agent's own file. What a wrapper calls is the program's again, and so are
 * files of the program that the agent calls; built-ins that the agent uses for itself are the agent's.
 */
export function agentParts(
  nodes: ReadonlyMap<number, Loose>,
  parents: ReadonlyMap<number, number>,
  agentFile: string | null,
): (id: number, above: AgentPart) => AgentPart {
  if (agentFile === null) return () => 'keep';
  const frames = new Map([...nodes].map(([id, node]) => [id, objectOf(node.callFrame, 'the callFrame of a node')]));
  const isOurs = (id: number): boolean => pathOf(textOf(frames.get(id)?.url)) === agentFile;
  const entries = new Set<number>();
  for (const id of frames.keys()) if (isOurs(id)) entries.add(parents.get(id) ?? -1);
  return (id, above) => {
    const { functionName, url, scriptId } = frames.get(id) ?? {};
    if (isOurs(id)) return functionName === WRAPPER ? 'pass' : 'agent';
    // The watchdog's evaluation is a script without a name that calls the agent.
    if (!functionName && !url && numberOf(Number(scriptId), 0) > 0 && entries.has(id)) return 'agent';
    const isFile = textOf(url) !== '' && !textOf(url).startsWith('node:');
    return above === 'agent' && !isFile ? 'agent' : 'keep';
  };
}

function pathOf(url: string): string {
  if (!url.startsWith('file:')) return url;
  try {
    return fileURLToPath(url);
  } catch {
    return url;
  }
}
