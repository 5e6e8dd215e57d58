import { readdirSync } from 'node:fs';
import { candidateFolders, folderProblem, ownUid } from '../util/run-folder.ts';
import { type Connection, connect, removeStaleFiles } from './connect.ts';
import { TargetError } from './target-error.ts';

/** No more are asked: each costs a connection. */
const MAX_AGENTS = 200;

/** Connections to all processes of this user that run with the agent; the caller closes them. Windows has no such list. */
export async function connectAll(): Promise<Connection[]> {
  await removeStaleFiles();
  const answers = await Promise.all(listAgents().map(tryConnect));
  return answers.filter((connection) => connection !== null);
}

/** Numbers of processes that seem to run with the agent, where we or that process would listen; none on Windows. */
export function listAgents(pid = process.pid): number[] {
  const files = [...new Set([...candidateFolders(process.pid), ...candidateFolders(pid)])].flatMap(socketsIn);
  const pids = [...new Set(files)].filter((one) => one !== process.pid).sort((a, b) => a - b);
  return pids.slice(0, MAX_AGENTS);
}

function socketsIn(folder: string): number[] {
  try {
    if (process.platform === 'win32' || folderProblem(folder, ownUid())) return [];
    return readdirSync(folder).flatMap((file) => (/^\d+\.sock$/.test(file) ? [Number.parseInt(file, 10)] : []));
  } catch {
    return []; // no such folder
  }
}

async function tryConnect(pid: number): Promise<Connection | null> {
  try {
    return await connect(pid);
  } catch (error) {
    if (error instanceof TargetError) return null; // it has ended meanwhile, or has another version
    throw error;
  }
}
