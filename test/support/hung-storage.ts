/** Storage that does not answer: a FUSE file system whose daemon reads no request. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounts it on a new folder. Returns how to unmount it: whoever is stuck in it goes on with an error then. Throws where that does not work here. */
export function mountHung(folder: string): () => void {
  mkdirSync(folder);
  const device = openSync('/dev/fuse', 'r+');
  const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
  const mount = spawnSync('mount', ['-i', '-t', 'fuse', '-o', options, 'evdiag-test', folder], {
    stdio: ['ignore', 'ignore', 'pipe', device],
    encoding: 'utf8',
  });
  if (mount.status !== 0) {
    closeSync(device);
    rmdirSync(folder);
    throw new Error(`mount does not work here: ${(mount.stderr || String(mount.error)).trim()}`);
  }
  return () => {
    closeSync(device);
    spawnSync('umount', ['-l', folder]);
  };
}

/** Why it cannot be mounted here; null where it can. */
export function hungStorageProblem(): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root to mount a file system';
  try {
    mountHung(join(mkdtempSync(join(tmpdir(), 'evdiag-hung-')), 'mount'))();
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
