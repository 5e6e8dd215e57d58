import { apply, max, NativeSet, process } from './primordials.ts';

const getActiveResources = process.getActiveResourcesInfo;

const IO = new NativeSet(['TCPServerWrap', 'TCPSocketWrap', 'TLSWrap', 'UDPWrap', 'PipeServerWrap']);

/** The primary holds the server of a cluster's child: it is not among the child's own resources. */
const sharesServer =
  process.channel !== undefined && (require('node:cluster') as { isWorker: boolean }).isWorker ? 1 : 0;

/** Referenced servers, sockets and timers (less one: a lone timer is the work itself): what a blocked loop keeps waiting. */
export function waitingResources(): number {
  return countWaiting(apply(getActiveResources, process, []));
}

/** The same from a list that was read already. */
export function countWaiting(resources: readonly string[]): number {
  let timers = 0;
  let sockets = 0;
  for (const name of resources) {
    if (name === 'Timeout') timers++;
    else if (IO.has(name)) sockets++;
  }
  return sharesServer + sockets + max(0, timers - 1);
}
