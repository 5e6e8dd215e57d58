import { Server } from 'node:net';
import { currentFrames } from '../agent/tracking/sites.ts';
import { wrapMethod } from '../agent/tracking/wrap.ts';
import type { RawFrame } from '../shared-memory.ts';

let listening = new WeakMap<object, RawFrame[]>();

/** Remembers where `listen` was called: the handles of servers are made later, when no code of the application is on the stack. */
export function followServers(isWanted: () => boolean): { stop(): void } {
  const stop = wrapMethod(Server.prototype, 'listen', (server) => {
    if (isWanted()) listening.set(server as object, currentFrames());
  });
  return {
    stop() {
      stop();
      listening = new WeakMap();
    },
  };
}

/** Where `listen` was called for the owner of this handle; null if it was not seen. */
export function listenFrames(handle: object): RawFrame[] | null {
  const owner = ownerOf(handle);
  return owner ? (listening.get(owner) ?? null) : null;
}

/** The Node object that a handle belongs to. */
export function ownerOf(handle: object): object | null {
  const symbol = Object.getOwnPropertySymbols(handle).find(({ description }) => description === 'owner_symbol');
  const owner = symbol && (handle as Record<symbol, unknown>)[symbol];
  return typeof owner === 'object' ? owner : null;
}
