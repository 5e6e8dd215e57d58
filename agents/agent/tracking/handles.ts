import { type AsyncHook, createHook, executionAsyncId, type HookCallbacks } from 'node:async_hooks';
import { runInThisContext } from 'node:vm';
import type { RawHandleSite } from '../../../src/protocol/thread-api.ts';
import { isOff, type Sensor, unasked } from '../../guard.ts';
import {
  assign,
  defineProperty,
  getOwnPropertyDescriptor,
  getOwnPropertySymbols,
  monotonicMs,
  NativeMap,
  NativeNumber,
  NativeSet,
  NativeWeakRef,
  process,
} from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { createSampling, type Sampling } from './sampling.ts';
import { begin, currentFrames, end, isNodes, type Sites, type Started } from './sites.ts';

/** Of each second, for the stacks of each of these. */
const BUDGET_MS = { open: 10, timers: 7, requests: 4 } as const;
/** Resources followed at a time. */
const MAX_FOLLOWED = 20_000;
/** Told in a dump. */
const MAX_DUMPED = 5000;
/** Not things that stay: they end with the turn of the loop, or stand for code that runs. */
const PASSING = new NativeSet([
  'Immediate',
  'Microtask',
  'PROMISE',
  'PerformanceObserver',
  'RANDOMBYTESREQUEST',
  'TickObject',
]);
/** Made in thousands, and gone with their answer. Chosen for themselves, like timers: what stays open is rarer. */
const REQUESTS = /^FSREQ|REQ$|REQWRAP$|^(WRITE|SHUTDOWN|TCPCONNECT|PIPECONNECT|UDPSEND)WRAP$|^HTTP/;
/** Done by Node before it makes what was asked for: looking up a name, trying one address after another. */
const STEPS = /^(GETADDRINFOREQ|QUERY|TCPCONNECT|PIPECONNECT)WRAP$/;
/** Made by Node for a connection or a request from outside: nothing of the application is on the stack. */
const FROM_OUTSIDE = new NativeSet(['TCPWRAP', 'PIPEWRAP', 'HTTPINCOMINGMESSAGE', 'TLSWRAP']);

/** A resource that is followed; `scope` is the unit of work it belongs to. */
export interface FollowedHandle extends Started {
  id: number;
  ref: WeakRef<object>;
  scope: unknown;
}

interface HandleOptions {
  /** The unit of work that runs, if any, and who is told of what is made for it. */
  currentScope(): unknown;
  onScoped(handle: FollowedHandle): void;
  onMade(type: string): void;
  sensor?: Sensor;
  /** Follow all that is made for a unit of work, and nothing else: no sampling. */
  scopedOnly?: boolean;
  /** Where something is made now. */
  framesOf?(type: string): RawFrame[];
}

/**
 * Follows Node's async resources (timers, sockets, files, workers) from where they were made until they are destroyed,
 * by an async hook that is not called for promises.
 */
export function followHandles(sites: Sites, options: HandleOptions) {
  const { currentScope, onScoped, onMade, scopedOnly = false, framesOf = () => currentFrames() } = options;
  const { sensor = unasked } = options;
  const byId = new NativeMap<number, FollowedHandle>();
  const outside = new NativeSet<number>();
  /** Files that are being opened, in order: the handle is made with no stack, by nothing that names its request. */
  let opening: FollowedHandle[] = [];
  const open = createSampling(BUDGET_MS.open);
  const timers = createSampling(BUDGET_MS.timers);
  const requests = createSampling(BUDGET_MS.requests);
  const samplingOf = (type: string) => (type === 'Timeout' ? timers : REQUESTS.test(type) ? requests : open);
  let inboundPeak = 0;
  let inside = false;

  /** The operation whose answer is being handled: where it was begun is where the program asked for what Node makes now. */
  const steppedFrom = (): FollowedHandle | undefined => {
    const running = byId.get(executionAsyncId());
    return running && STEPS.test(running.site.type) ? running : undefined;
  };
  const start = (sampling: Sampling, id: number, type: string, resource: object): void => {
    let frames = framesOf(type);
    let opener: FollowedHandle | undefined;
    if (!hasOwn(frames)) {
      opener = type === 'FILEHANDLE' ? opening.shift() : type === 'Timeout' ? undefined : steppedFrom();
      // A server's address is looked up first: what is asked later is the server itself.
      if (!opener && !(scopedOnly && type.endsWith('SERVERWRAP'))) {
        if (FROM_OUTSIDE.has(type) && isFromOutside(frames)) {
          outside.add(id);
          if (outside.size > inboundPeak) inboundPeak = outside.size;
        }
        return;
      }
      frames = opener?.site.frames ?? frames;
    }
    const site = sites.here('handle', type, type === 'Timeout' ? spanOf(resource) : '', frames);
    if (!site) return;
    const weight = scopedOnly ? 1 : sampling.weight();
    const one: FollowedHandle = {
      id,
      site,
      startMs: monotonicMs(),
      weight,
      ref: new NativeWeakRef(resource),
      scope: null,
    };
    byId.set(id, one);
    begin(one);
    if (type === 'FSREQPROMISE' && frames.some(([name]) => name === 'open')) opening.push(one);
    one.scope = currentScope() ?? opener?.scope ?? null;
    if (one.scope) onScoped(one);
  };

  const made = (id: number, type: string, resource: object): void => {
    if (type !== 'PROMISE') onMade(type);
    if (inside || PASSING.has(type)) return;
    const sampling = samplingOf(type);
    if (byId.size >= MAX_FOLLOWED || !(scopedOnly ? currentScope() : sampling.next())) return;
    inside = true;
    try {
      sampling.spend(() => start(sampling, id, type, resource));
    } finally {
      inside = false;
    }
  };
  const gone = (id: number): void => {
    const one = byId.get(id);
    if (one !== undefined) {
      byId.delete(id);
      end(one, monotonicMs());
      // Could not be opened.
      if (opening.length > 0) opening = opening.filter((other) => other !== one);
    } else outside.delete(id);
  };

  const callbacks: HookCallbacks = {
    init(id, type, _trigger, resource) {
      try {
        if (!isOff(sensor)) made(id, type, resource);
      } catch (error) {
        sensor.caught = { error };
      }
    },
    destroy(id) {
      try {
        if (!isOff(sensor)) gone(id);
      } catch (error) {
        sensor.caught = { error };
      }
    },
  };
  const hook = hookWithoutPromises(callbacks);

  return {
    adapt(intervalMs: number): void {
      for (const sampling of [open, timers, requests]) sampling.adapt(intervalMs);
    },
    /** Finds the oldest of each site. */
    check(): void {
      for (const one of byId.values()) {
        if (isClosedFile(one)) {
          byId.delete(one.id);
          end(one, monotonicMs());
          continue;
        }
        if (one.startMs < one.site.oldestStart) one.site.oldestStart = one.startMs;
        if (isReferenced(one)) one.site.referenced += one.weight;
      }
    },
    /** Those that are followed, to be dumped. */
    sites: (): RawHandleSite[] =>
      [...byId.values()].slice(0, MAX_DUMPED).map((one) => ({
        type: one.site.type,
        ageMs: monotonicMs() - one.startMs,
        ref: isReferenced(one),
        frames: one.site.frames,
      })),
    isAlive: (one: FollowedHandle): boolean => byId.get(one.id) === one,
    /** Most connections from outside since the last call. */
    inbound(): number {
      const peak = inboundPeak;
      inboundPeak = outside.size;
      return peak;
    },
    stop(): void {
      hook.disable();
      byId.clear();
      outside.clear();
    },
  };
}

/** "interval", or the delay with one significant digit: "30000 ms". */
function spanOf(timer: object): string {
  const { _repeat, _idleTimeout } = timer as { _repeat?: unknown; _idleTimeout?: unknown };
  if (typeof _repeat === 'number') return 'interval';
  return typeof _idleTimeout === 'number' ? `${NativeNumber(_idleTimeout.toPrecision(1))} ms` : '';
}

/** The handle of a file is told of as destroyed when it is collected, long after it was closed; its `fd` is an error then. */
function isClosedFile({ site, ref }: FollowedHandle): boolean {
  if (site.type !== 'FILEHANDLE') return false;
  const handle = ref.deref() as { fd?: unknown } | undefined;
  return handle === undefined || NativeNumber(handle.fd) < 0;
}

/** Whether it keeps the process alive; a resource that cannot tell does not. */
export function isReferenced({ ref }: FollowedHandle): boolean {
  const resource = ref.deref() as { hasRef?: unknown } | undefined;
  if (typeof resource?.hasRef !== 'function') return false;
  try {
    return resource.hasRef() === true;
  } catch {
    return false;
  }
}

function hasOwn(frames: RawFrame[]): boolean {
  return frames.some((frame) => !isNodes(frame));
}

/** The kernel called, not the application. */
function isFromOutside(frames: RawFrame[]): boolean {
  return frames.every(
    ([, url]) => url === null || url === 'node:net' || url.startsWith('node:_http') || url.startsWith('node:_tls'),
  );
}

interface AsyncWrap {
  getPromiseHooks?(): unknown[];
  setPromiseHooks?(...hooks: unknown[]): void;
}

/**
 * An async hook that is not called for promises: an option (24), or an own symbol of the hook (22). On Node 20 the
 * promise hooks that its enabling sets are put back as they were; where that has no door, promises are passed over.
 */
export function hookWithoutPromises(callbacks: HookCallbacks): AsyncHook {
  const hook = createHook({ ...callbacks, trackPromises: false } as HookCallbacks);
  const symbol = getOwnPropertySymbols(hook).find(({ description }) => description?.includes('NoPromiseHook'));
  if (symbol) assign(hook, { [symbol]: true });
  const wrap = symbol ? null : nodes20AsyncWrap();
  const before = wrap?.getPromiseHooks?.();
  hook.enable();
  if (before) wrap!.setPromiseHooks!(...before);
  return hook;
}

function nodes20AsyncWrap(): AsyncWrap | null {
  if (!process.version.startsWith('v20.')) return null;
  // It would be told of: the application asked for it.
  if (process.execArgv.some((flag) => flag.includes('pending-deprecation'))) return null;
  if (process.env.NODE_PENDING_DEPRECATION === '1' || process.env.NODE_OPTIONS?.includes('pending-deprecation'))
    return null;
  // Jest gives its tests a copy of `process`, at which Node does not look.
  const host = runInThisContext('process') as NodeJS.Process & { binding(name: string): AsyncWrap };
  const told = getOwnPropertyDescriptor(host, 'noDeprecation');
  try {
    // Node tells of this door once; it is not the application that uses it.
    defineProperty(host, 'noDeprecation', { value: true, configurable: true, writable: true });
    return host.binding('async_wrap');
  } catch {
    return null;
  } finally {
    if (told) defineProperty(host, 'noDeprecation', told);
    else delete (host as { noDeprecation?: boolean }).noDeprecation;
  }
}
