/** A disk of 256 kB, and other mounts that need root. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Mounts it, full where wanted; returns how to unmount it. */
export function mountSmall(path: string, _folder: string, full: boolean): () => void {
  mkdirSync(path, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', path]);
  // Folders take room too: of the bytes none are left.
  if (full) fill(join(path, 'fill'));
  return () => void spawnSync('umount', ['-l', path]);
}

function fill(file: string): void {
  try {
    writeFileSync(file, Buffer.alloc(1 << 20));
  } catch {
    // It is full now.
  }
}

/** Why it cannot be mounted here; null where it can. */
export function smallDiskProblem(): string | null {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.getuid?.() !== 0) return 'needs root to mount a file system';
  const folder = mkdtempSync(join(tmpdir(), 'evdiag-mount-'));
  try {
    mountSmall(folder, folder, false)();
    rmdirSync(folder);
    return null;
  } catch (error) {
    return `mount does not work here: ${(error as Error).message.split('\n')[0]}`;
  }
}

export function privateMountProblem(): string | null {
  const tried = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/proc']);
  return tried.status === 0 ? null : 'needs root to hide /proc';
}
