import { AsyncLocalStorage } from 'node:async_hooks';
import type { Leftover, Scope } from '../../src/library/types.ts';
import type { FollowedHandle } from '../agent/tracking/handle-state.ts';
import { FollowedHandles } from '../agent/tracking/handles.ts';
import { createSites, currentFrames } from '../agent/tracking/sites.ts';
import { monotonicMs } from '../primordials.ts';
import { type CallHolder, type FollowedCall, type FollowedCalls, followCalls } from './calls.ts';
import { collectGarbage } from './collect-garbage.ts';
import { type FileHolder, FollowedFiles, isOpenFile } from './files.ts';
import {
  describeCall,
  describeFile,
  describeHandle,
  describeListener,
  describeRequest,
  type LeftThing,
  together,
  withoutParts,
} from './leftovers.ts';
import { type FollowedListener, FollowedListeners, type ListenerHolder } from './listeners.ts';
import { sleep, turn } from './natives.ts';
import { open } from './open-scopes.ts';
import { type FollowedRequest, FollowedRequests, type RequestHolder } from './requests.ts';
import { followServers } from './servers.ts';
import { longestStall } from './stalls.ts';
import { workFrames } from './work-frames.ts';

/** Things of each kind that are followed at a time for one scope. */
const MAX_FOLLOWED = 50_000;
/** Pauses between two checks whether everything has ended: short at first. */
const FIRST_POLL_MS = 2;
const LAST_POLL_MS = 50;

interface Followed extends CallHolder, FileHolder, ListenerHolder, RequestHolder {
  id: number;
  startMs: number;
  handles: Set<FollowedHandle>;
  closed: boolean;
  /** Itself and the scopes around it, without those that are closed as of `epoch`. */
  around: readonly Followed[];
  live: readonly Followed[];
  epoch: number;
}

type Hooks = ReturnType<typeof startHooks>;

let hooks: Hooks | null = null;
let epoch = 0;
let nextId = 1;
/** Those to which what belongs to no other scope belongs: the last of them has it. */
let entered: Followed[] = [];

/** Follows one unit of work. Hooks are enabled while a scope is open; scopes may be nested and run side by side. */
export function openScope(name: string): Scope {
  hooks ??= startHooks();
  open.count++;
  const { storage, currentScope } = hooks;
  const scope = createFollowed(currentScope());
  const look = (): Leftover[] => (hooks ? together(describeAll(scope, hooks)) : []);

  return {
    name,
    run: (fn) => storage.run(scope, fn),
    enter() {
      entered.push(scope);
      return () => {
        entered = entered.filter((other) => other !== scope);
      };
    },
    untracked: () => scope.untracked,
    stall: () => longestStall(scope.id, scope.startMs),
    async left(graceMs = 0, isMeant = () => false) {
      const wait = (): Promise<Leftover[]> => untilNothing(look, graceMs, isMeant);
      const left = await wait();
      if (!hasDoubtful(scope, left)) return left;
      await turn();
      collectGarbage();
      return look();
    },
    close() {
      if (scope.closed) return;
      scope.closed = true;
      epoch++;
      for (const set of [scope.handles, scope.calls, scope.files, scope.listeners, scope.requests]) set.clear();
      if (--open.count > 0) return;
      hooks?.stop();
      hooks = null;
    },
  };
}

export function isFollowing(): boolean {
  return hooks !== null;
}

open.currentId = () => hooks?.currentScope()?.id ?? 0;

function createFollowed(parent: Followed | null): Followed {
  const scope: Followed = {
    id: nextId++,
    startMs: monotonicMs(),
    handles: new Set(),
    calls: new Set(),
    files: new Set(),
    listeners: new Set(),
    requests: new Set(),
    stacks: 0,
    untracked: 0,
    closed: false,
    around: [],
    live: [],
    epoch: -1,
  };
  scope.around = [scope, ...(parent?.around ?? [])];
  return scope;
}

function startHooks() {
  const storage = new AsyncLocalStorage<Followed>();
  const currentScope = (): Followed | null => storage.getStore() ?? entered.at(-1) ?? null;
  const currentHolders = (): readonly Followed[] | null => {
    const scope = currentScope();
    if (!scope) return null;
    if (scope.epoch !== epoch) {
      scope.live = scope.around.filter(({ closed }) => !closed);
      scope.epoch = epoch;
    }
    return scope.live.length > 0 ? scope.live : null;
  };
  // An AsyncLocalStorage adds its hooks when it is first run: before the hooks that restore Node 20's promise hooks.
  storage.run(createFollowed(null), () => {});
  const calls = followCalls(currentHolders, MAX_FOLLOWED);
  const handles = new FollowedHandles(createSites(), {
    currentScope: currentHolders,
    onScoped(handle) {
      const holders = handle.scope as readonly Followed[];
      listeners.noteMade(handle.ref.deref(), holders);
      for (const holder of holders) {
        if (holder.handles.size >= MAX_FOLLOWED) prune(holder);
        if (holder.handles.size < MAX_FOLLOWED) holder.handles.add(handle);
        else holder.untracked++;
      }
    },
    onMade() {},
    scopedOnly: true,
    // This is cheaper for thousands of timers, which are rarely made deep in a library.
    framesOf: (type) => (type === 'Timeout' ? currentFrames() : workFrames()),
  });
  const prune = ({ handles: all }: Followed): void => {
    for (const one of all) if (!handles.isAlive(one)) all.delete(one);
  };
  const files = new FollowedFiles(currentHolders);
  const servers = followServers(() => currentHolders() !== null);
  const requests = new FollowedRequests(currentHolders, MAX_FOLLOWED);
  const listeners = new FollowedListeners(currentHolders, MAX_FOLLOWED, (emitter, holders) => {
    files.onEmitter(emitter, holders);
    requests.onEmitter(emitter, holders);
  });
  return {
    storage,
    currentScope,
    calls,
    listeners,
    isAlive: (handle: FollowedHandle) => handles.isAlive(handle),
    isCarrier: (handle: object) => requests.isCarrier(handle),
    stop(): void {
      for (const part of [listeners, requests, servers, files, handles, calls]) part.stop();
      storage.disable();
    },
  };
}

function describeAll(scope: Followed, { calls, listeners, isAlive, isCarrier }: Hooks): LeftThing[] {
  const things = [
    ...handlesOf(scope, isAlive, isCarrier),
    ...[...scope.requests].filter((one: FollowedRequest) => one.isOpen()).map(describeRequest),
    ...[...scope.files].filter(isOpenFile).map(describeFile),
    ...[...scope.listeners].map((one: FollowedListener) => describeListener(one, listeners.leftFrames(one))),
    ...suspendedOf(scope, calls),
  ];
  const once = [...scope.listeners].map((one: FollowedListener) => describeListener(one, listeners.onceFrames(one)));
  return withoutParts(things.filter(isThing), once.filter(isThing));
}

function isThing(thing: LeftThing | null): thing is LeftThing {
  return thing !== null;
}

function handlesOf(scope: Followed, isAlive: Hooks['isAlive'], isCarrier: Hooks['isCarrier']): (LeftThing | null)[] {
  for (const one of scope.handles) if (!isAlive(one)) scope.handles.delete(one);
  return [...scope.handles].map((one) => (isCarrier(one.ref.deref() ?? one) ? null : describeHandle(one)));
}

function suspendedOf({ calls: all }: Followed, calls: FollowedCalls): (LeftThing | null)[] {
  return [...all].map((call: FollowedCall) => describeCall(call, calls.suspendedFrames(call)));
}

/** Checks until nothing is left that is not meant to stay, or the time is up. */
async function untilNothing(
  look: () => Leftover[],
  graceMs: number,
  isMeant: (leftover: Leftover) => boolean,
): Promise<Leftover[]> {
  const startMs = monotonicMs();
  // Node reports in the next turn what was destroyed, and closes handles at the end of one.
  await turn();
  await turn();
  let left = look();
  for (let pollMs = FIRST_POLL_MS; !left.every(isMeant); pollMs = Math.min(LAST_POLL_MS, pollMs * 2)) {
    const restMs = graceMs - (monotonicMs() - startMs);
    if (restMs <= 0) break;
    await sleep(Math.min(pollMs, restMs));
    left = look();
  }
  return left;
}

/** Listeners of event targets: only a collection shows whether the target is still referenced. */
function hasDoubtful({ listeners }: Followed, left: readonly Leftover[]): boolean {
  if (!left.some(({ kind }) => kind === 'listener')) return false;
  return [...listeners].some(({ target }) => target.deref() instanceof EventTarget);
}
