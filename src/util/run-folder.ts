/** Where the sockets of observed processes are: a folder of the user's own. */
import { lstatSync, mkdirSync, readFileSync, type Stats, statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { viewOf } from './process-view.ts';

/** The longest socket address of the system (Linux 108 bytes, macOS 104), without its last byte. */
const MAX_PATH_BYTES = process.platform === 'darwin' ? 103 : 107;

const SOCKET_SUFFIX = '.sock';

const isWindows = process.platform === 'win32';

/** Where a process with that environment would listen, the best place first. Windows has one place: names, not files. */
export function runFolders(env: NodeJS.ProcessEnv, uid: number = ownUid()): string[] {
  if (isWindows) return [String.raw`\\.\pipe`];
  const temporary = env.TMPDIR || env.TMP || env.TEMP || '/tmp';
  // The last one is there where a container's root is read-only and it has no /tmp.
  const folders = [
    env.XDG_RUNTIME_DIR ? join(env.XDG_RUNTIME_DIR, 'evdiag') : null,
    join(temporary, `evdiag-${uid}`),
    process.platform === 'linux' ? `/dev/shm/evdiag-${uid}` : null,
  ];
  return folders.filter((folder) => folder !== null).filter((folder) => fits(socketPath(folder, 4_194_304)));
}

export function socketPath(folder: string, pid: number): string {
  return isWindows ? `${folder}\\evdiag-${pid}` : join(folder, `${pid}${SOCKET_SUFFIX}`);
}

/** Where the process listens until it accepts connections: a socket that is bound and not yet listening looks dead. */
export function newSocketPath(folder: string, pid: number): string {
  return isWindows ? socketPath(folder, pid) : join(folder, `${pid}.new`);
}

function fits(path: string): boolean {
  return Buffer.byteLength(path) <= MAX_PATH_BYTES;
}

/** Makes the folder if it is missing. Throws a sentence if others can use it. */
export function makeRunFolder(folder: string): void {
  if (isWindows) return;
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const problem = folderProblem(folder, ownUid());
  if (problem) throw new Error(problem);
}

/** Why the folder cannot be trusted; null if only `uid` can use it. */
export function folderProblem(folder: string, uid: number): string | null {
  if (isWindows) return null;
  const stats = followed(folder, uid);
  if (!stats.isDirectory()) return `${folder} is not a folder`;
  if (stats.uid !== uid) return `${folder} belongs to another user`;
  if ((stats.mode & 0o077) !== 0) return `${folder} is open to other users (chmod 700 helps)`;
  return null;
}

/** A link of the user's own, or of the administrator, leads to the folder; not in a container, as seen from outside, where it would lead elsewhere. */
function followed(folder: string, uid: number): Stats {
  const stats = lstatSync(folder);
  const isTrusted = stats.isSymbolicLink() && (stats.uid === uid || stats.uid === 0) && !folder.startsWith('/proc/');
  return isTrusted ? statSync(folder) : stats;
}

/** Where a process may listen: where we would, where it would with its own environment, and the usual places. */
export function candidateFolders(pid: number): string[] {
  const uid = uidOf(pid);
  const { root, innerUid } = viewOf(pid, uid);
  const folders = [
    ...agentFolders(pid),
    ...(uid === ownUid() && root === '' ? runFolders(process.env) : []),
    ...runFolders({ XDG_RUNTIME_DIR: `/run/user/${innerUid}` }, innerUid),
  ];
  return [...new Set(folders)].map((folder) => root + folder);
}

/** Where it would listen by its own environment, as it sees these folders. */
export function agentFolders(pid: number): string[] {
  return runFolders(environmentOf(pid), viewOf(pid, uidOf(pid)).innerUid);
}

/** The user that a process belongs to (Linux; elsewhere ours). */
export function uidOf(pid: number): number {
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return ownUid();
  }
}

/** Linux, processes of ours; empty elsewhere. */
function environmentOf(pid: number): NodeJS.ProcessEnv {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return Object.fromEntries(entries.map((entry) => [entry.split('=', 1)[0]!, entry.slice(entry.indexOf('=') + 1)]));
  } catch {
    return {};
  }
}

export function ownUid(): number {
  return process.getuid?.() ?? userInfo().uid;
}
