/** The sockets on which a process listens (Linux). */
import { readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { withFile } from './elf.ts';

export interface Listener {
  port: number;
  /** IPv4 127.x or ::1. */
  isLoopback: boolean;
  inode: string;
}

const LISTEN = '0A';
/** Some 25 lines. */
const PIECE_BYTES = 4096;
const ESTABLISHED = '01';

/** All that listen in the network namespace of the process, whoever they belong to. */
export function listenersAround(pid: number): Listener[] {
  return rows(pid, LISTEN).map(({ local, inode }) => ({ ...addressOf(local), inode }));
}

/** Whether somebody is connected to that port. */
export function hasClient(pid: number, port: number): boolean {
  return rows(pid, ESTABLISHED).some(({ local }) => addressOf(local).port === port);
}

/** Those of the process alone. Throws EACCES where it does not let itself be looked at. */
export function listenersOf(pid: number): Listener[] {
  const own = socketsOf(pid);
  return listenersAround(pid).filter(({ inode }) => own.has(inode));
}

function rows(pid: number, state: string): { local: string; inode: string }[] {
  return [`/proc/${pid}/net/tcp`, `/proc/${pid}/net/tcp6`]
    .flatMap((path) => (state === LISTEN ? listeningRows(path) : fieldsOf(textOf(path))))
    .filter((fields) => fields[3] === state)
    .map((fields) => ({ local: fields[1]!, inode: fields[9]! }));
}

/** Without the head, and a last line that is not whole. */
function fieldsOf(text: string): string[][] {
  return text
    .split('\n')
    .slice(1, -1)
    .map((line) => line.trim().split(/\s+/));
}

/**
 * The kernel lists what listens first, and works out line by line: behind a busy server there are ten thousands of other connections, which
 * take it 50 ms.
 */
function listeningRows(path: string): string[][] {
  try {
    return withFile(path, (file) => {
      let text = '';
      for (;;) {
        const part = Buffer.allocUnsafe(PIECE_BYTES);
        const size = readSync(file, part, 0, PIECE_BYTES, null);
        text += part.toString('latin1', 0, size);
        const found = fieldsOf(text);
        if (size === 0 || found.some((fields) => fields[3] !== LISTEN)) return found;
      }
    });
  } catch {
    // No IPv6, or it has ended.
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

/** "0100007F:240D": the words of the address in the byte order of the machine. */
function addressOf(local: string): Omit<Listener, 'inode'> {
  const [address, port] = local.split(':') as [string, string];
  const isLoopback = address.length === 8 ? address.endsWith('7F') : address === '00000000000000000000000001000000';
  return { port: Number.parseInt(port, 16), isLoopback };
}

function socketsOf(pid: number): Set<string> {
  const inodes = new Set<string>();
  for (const file of readdirSync(`/proc/${pid}/fd`)) {
    try {
      const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${file}`))?.[1];
      if (inode) inodes.add(inode);
    } catch {
      // It has closed it meanwhile.
    }
  }
  return inodes;
}
