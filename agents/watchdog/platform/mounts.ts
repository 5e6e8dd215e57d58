import { readFileSync } from 'node:fs';

/** File systems of the machine itself. A call that hangs there cannot be ended by a signal either. */
const LOCAL: ReadonlySet<string> = new Set([
  ...['bcachefs', 'btrfs', 'devtmpfs', 'erofs', 'exfat', 'ext2', 'ext3', 'ext4', 'f2fs', 'iso9660', 'jfs', 'ntfs3'],
  ...['overlay', 'ramfs', 'reiserfs', 'rootfs', 'squashfs', 'tmpfs', 'vfat', 'xfs', 'zfs'],
  // The kernel's own.
  ...['cgroup', 'cgroup2', 'proc', 'sysfs'],
]);
/** Mounts come and go. */
const KNOWN_MS = 30_000;

interface Mount {
  path: string;
  type: string;
}

/** Which storage a path leads to, by the kernel's list of mounts: nothing is touched there, as `statfs` hangs where the storage does. */
export function createMounts(list = listed, now: () => number = () => performance.now()) {
  let mounts: readonly Mount[] = [];
  let readAt = Number.NEGATIVE_INFINITY;
  return {
    /** It is a network's, or a program's (FUSE). False where that is not known. Links are not followed. */
    isOfOthers(path: string): boolean {
      if (now() - readAt > KNOWN_MS) {
        mounts = parseMounts(list());
        readAt = now();
      }
      let found: Mount | null = null;
      for (const mount of mounts) {
        // Of several at the same place the last one covers the others.
        if (isBelow(path, mount.path) && mount.path.length >= (found?.path.length ?? 0)) found = mount;
      }
      return found !== null && !LOCAL.has(found.type);
    },
  };
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder) && (folder === '/' || path.length === folder.length || path[folder.length] === '/');
}

/** Of `/proc/self/mountinfo`: "36 35 98:0 /root /place rw master:1 - ext4 /dev/sda rw". */
function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const place = before.split(' ')[4];
    const type = after.split(' ')[0];
    return place && type ? [{ path: place.replace(/\\([0-7]{3})/g, (_, code) => charOf(code)), type }] : [];
  });
}

/** Spaces and the like are escaped. */
function charOf(octal: string): string {
  return String.fromCharCode(Number.parseInt(octal, 8));
}

function listed(): string {
  try {
    return process.platform === 'linux' ? readFileSync('/proc/self/mountinfo', 'utf8') : '';
  } catch {
    return '';
  }
}
