/** Byte streams to a port on the loopback interface of a process, which may be in a network namespace of its own. */
import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import { Duplex } from 'node:stream';
import { sharesNamespace } from '../../util/process-view.ts';
import { TargetError } from '../target-error.ts';

/** How to get to the ports of a process. */
export interface Way {
  open(port: number): Promise<Duplex>;
}

/** Runs in the other namespace: our own Node, of which the mounts are still ours. */
const BRIDGE = `
const socket = require('node:net').connect(Number(process.argv[1]), '127.0.0.1');
socket.on('error', () => process.exit(1));
process.stdin.pipe(socket);
socket.pipe(process.stdout);
socket.on('close', () => process.exit(0));
`;

export function wayTo(pid: number): Way {
  return sharesNamespace(pid, 'net') ? { open: openHere } : { open: (port) => openThere(pid, port) };
}

/** The words that run a command where the network of the process is. */
function enterWords(pid: number, isRoot = process.getuid?.() === 0): string[] {
  const asUser = isRoot ? [] : ['--user', '--preserve-credentials'];
  return ['nsenter', '--target', String(pid), ...asUser, '--net'];
}

function openHere(port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject).on('error', () => {})));
  });
}

function openThere(pid: number, port: number): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const [command, ...words] = enterWords(pid);
    const child = spawn(command!, [...words, process.execPath, '-e', BRIDGE, String(port)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH },
    });
    let problem = '';
    child.stderr.setEncoding('utf8').on('data', (text: unknown) => {
      problem += String(text);
    });
    child.stdin.on('error', () => {});
    child.once('error', () => reject(new TargetError(noWayText(pid, 'nsenter (of util-linux) is not installed'))));
    const both = Duplex.from({ readable: child.stdout, writable: child.stdin });
    both.on('error', () => {});
    child.once('exit', (code) => {
      if (code) both.destroy(new TargetError(noWayText(pid, problem.split('\n')[0] || 'nsenter failed')));
    });
    both.once('close', () => child.kill());
    child.once('spawn', () => resolve(both));
  });
}

function noWayText(pid: number, why: string): string {
  return `Process ${pid} is in another network namespace (a container), and ${why}. Run evdiag inside: "docker exec CONTAINER npx evdiag …", "kubectl exec POD -- npx evdiag …", or as root "${enterWords(pid, true).join(' ')} npx evdiag …".`;
}
