/**
 * Whether SIGUSR1 of a process is handled by Node itself, which opens the inspector then.
 *
 * The kernel tells that a signal is caught, but not by whom: a program that listens to SIGUSR1 has taken Node's place. Its listener is one of
 * libuv's, and libuv keeps those that are active in a tree (`uv__signal_tree`, by number, then by loop). So that tree is read in the memory
 * of the process, which is not held up for it. Official builds of Node have kept the names of their symbols.
 */
import { fstatSync, readFileSync } from 'node:fs';
import { statusOf } from '../../util/process-view.ts';
import { readAt, readElf, symbolAddress, withFile } from './elf.ts';

/** `none`: its default action would end the process. `unknown`: it is caught, and nobody tells by whom. */
export type SignalHandler = 'node' | 'program' | 'ignored' | 'none' | 'unknown';

const SIGUSR1 = 10;
const TREE = ['uv__signal_tree', 'uv__signal_tree.0'];
/** `uv_signal_t` of libuv 1.x, 64 bits: the number, and the tree's links. */
const AT = { signum: 104, left: 112, right: 120 } as const;
const NODE_BYTES = 144;
const MAX_NODES = 2000;

export function signalHandler(pid: number, file: string): SignalHandler {
  const status = statusOf(pid);
  if (has(status?.SigIgn)) return 'ignored';
  if (!has(status?.SigCgt)) return 'none';
  try {
    return listensItself(pid, file) ? 'program' : 'node';
  } catch {
    return 'unknown';
  }
}

/** A mask as the kernel writes it: hexadecimal, bit 0 is signal 1. */
function has(mask: string | undefined): boolean {
  return mask !== undefined && ((BigInt(`0x${mask}`) >> BigInt(SIGUSR1 - 1)) & 1n) === 1n;
}

interface Tree {
  address: number;
  isRelocatable: boolean;
}

const known = new Map<string, Tree>();

/** Throws where the executable has no symbols. */
function treeIn(file: string): Tree {
  return withFile(file, (open) => {
    const { dev, ino, mtimeMs } = fstatSync(open);
    const key = [dev, ino, mtimeMs].join();
    const elf = known.has(key) ? null : readElf(open);
    const address = elf && symbolAddress(open, elf, TREE);
    if (elf && address !== null) known.set(key, { address, isRelocatable: elf.isRelocatable });
    const found = known.get(key);
    if (!found) throw new Error('no symbols');
    return found;
  });
}

/** Throws where that cannot be told. */
function listensItself(pid: number, file: string): boolean {
  const { address, isRelocatable } = treeIn(file);
  const tree = address + (isRelocatable ? baseOf(pid, file) : 0);
  return withFile(`/proc/${pid}/mem`, (memory) => {
    const wanted = [pointerAt(memory, tree)];
    for (let seen = 0; wanted.length > 0; seen++) {
      const node = wanted.pop()!;
      if (node === 0) continue;
      if (seen > MAX_NODES) throw new Error('no tree');
      const bytes = readAt(memory, node, NODE_BYTES);
      const signum = bytes.readInt32LE(AT.signum);
      if (signum < 1 || signum > 64) throw new Error('no tree');
      if (signum === SIGUSR1) return true;
      wanted.push(Number(bytes.readBigUInt64LE(AT.left)), Number(bytes.readBigUInt64LE(AT.right)));
    }
    return false;
  });
}

function pointerAt(memory: number, address: number): number {
  return Number(readAt(memory, address, 8).readBigUInt64LE(0));
}

/** Where the first part of the file is in its memory. */
function baseOf(pid: number, file: string): number {
  const maps = readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n');
  const { ino } = withFile(file, (open) => fstatSync(open));
  const line = maps.find((one) => one.split(/\s+/)[4] === String(ino) && one.split(/\s+/)[2] === '00000000');
  if (!line) throw new Error('not mapped');
  return Number.parseInt(line, 16);
}
