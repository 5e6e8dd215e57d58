import { executionAsyncId, type HookCallbacks } from 'node:async_hooks';
import type { RawHandleSite } from '../../../src/protocol/thread-api.ts';
import { isOff, type Sensor, unasked } from '../../guard.ts';
import { monotonicMs, NativeMap, NativeSet, NativeWeakRef } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { enterInit, inits } from '../own-hooks.ts';
import { hookWithoutPromises } from './handle-hook.ts';
import {
  type FollowedHandle,
  hasOwn,
  isClosed,
  isFromOutside,
  isReferenced,
  isStillThere,
  isSynchronous,
  lookForStore,
  type Maker,
  siteOf,
  spanOf,
} from './handle-state.ts';
import { CONNECTIONS, FROM_OUTSIDE, isRequest, PASSING, STEPS } from './handle-types.ts';
import { ownersFrames } from './owners-frames.ts';
import { continues, firingTimer, rearm } from './rearmed.ts';
import { createSampling, type Sampling } from './sampling.ts';
import { begin, end, endUnseen, type Sites } from './sites.ts';
import { lighten } from './weights.ts';

/** Per second, for the stacks of each of these: at first, and at most. */
const BUDGET_MS = { open: 10, timers: 7, requests: 4 } as const;
/** Resources followed at a time. */
const MAX_FOLLOWED = 20_000;
/** And in a pause: whether each is still there is checked before the next window. */
const MAX_WAITING = 2000;
/** Asked for what they hold in one row, some 1 µs each. */
const MAX_LOOKED = 300;
/** Listed in a dump. */
const MAX_DUMPED = 5000;
export interface HandleOptions {
  /** The running unit of work, if any, and who is notified of what is made for it. */
  currentScope(): unknown;
  onScoped(handle: FollowedHandle): void;
  onMade(type: string, resource: object): void;
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
export class FollowedHandles {
  readonly #sites: Sites;
  readonly #options: Required<HandleOptions>;
  readonly #byId = new NativeMap<number, FollowedHandle>();
  readonly #outside = new NativeSet<number>();
  /** Files that are being opened, in order: the handle is made without a stack and without a reference to its request. */
  #opening: FollowedHandle[] = [];
  readonly #open = createSampling(BUDGET_MS.open);
  readonly #timers = createSampling(BUDGET_MS.timers);
  readonly #requests = createSampling(BUDGET_MS.requests);
  readonly #hook;
  #counts = { made: 0, gone: 0 };
  #inboundPeak = 0;
  #inside = false;

  constructor(sites: Sites, options: HandleOptions) {
    this.#sites = sites;
    this.#options = { sensor: unasked, scopedOnly: false, framesOf: ownersFrames, ...options };
    this.#hook = hookWithoutPromises(this.#callbacks(this.#options.sensor));
  }

  adapt(intervalMs: number): void {
    for (const sampling of [this.#open, this.#timers, this.#requests]) sampling.adapt(intervalMs);
  }

  /** Sees what is made and destroyed from now on. */
  resume(): void {
    this.#hook.enable();
  }

  /** Sees nothing from now on; those that are open are known still, as many as can be asked later. */
  pause(): void {
    this.#hook.disable();
    this.#opening = [];
    this.#outside.clear();
    for (const one of this.#byId.values()) {
      if (this.#byId.size <= MAX_WAITING) break;
      this.#endUnseen(one, monotonicMs());
    }
  }

  /** After a pause: which of them are still there. Those without a state count as gone. */
  verify(): void {
    const now = monotonicMs();
    for (const one of this.#byId.values()) {
      if (isStillThere(one)) lighten(one);
      else this.#endUnseen(one, now);
    }
  }

  /** Of each second, as a share of the most. */
  setBudget(share: number): void {
    this.#open.setBudget(BUDGET_MS.open * share);
    this.#timers.setBudget(BUDGET_MS.timers * share);
    this.#requests.setBudget(BUDGET_MS.requests * share);
  }

  /** What happened since the last call: how many were made and destroyed, and what stacks took. */
  spent(): { made: number; gone: number; stacksMs: number } {
    const { made, gone } = this.#counts;
    this.#counts = { made: 0, gone: 0 };
    return { made, gone, stacksMs: this.#open.spent() + this.#timers.spent() + this.#requests.spent() };
  }

  /** Finds the oldest of each site. */
  check(): void {
    const now = monotonicMs();
    let looks = MAX_LOOKED;
    for (const one of this.#byId.values()) {
      if (isClosed(one)) {
        this.#byId.delete(one.id);
        end(one, monotonicMs());
        continue;
      }
      if (one.startMs < one.site.oldestStart) one.site.oldestStart = one.startMs;
      if (isReferenced(one)) one.site.referenced += one.weight;
      if (looks > 0 && lookForStore(one, now)) looks--;
    }
  }

  /** Those that are followed, to be dumped. */
  sites(): RawHandleSite[] {
    return [...this.#byId.values()].slice(0, MAX_DUMPED).map(siteOf);
  }

  /** Where this async resource was made; null if it is not followed. */
  siteOf(id: number): RawHandleSite | null {
    const one = this.#byId.get(id);
    return one ? siteOf(one) : null;
  }

  /** Connections that are open. */
  connections(): object[] {
    const open = [...this.#byId.values()].filter(({ site }) => CONNECTIONS.has(site.type));
    return open.flatMap(({ ref }) => ref.deref() ?? []);
  }

  readonly followed = (id: number): FollowedHandle | undefined => this.#byId.get(id);

  isAlive(one: FollowedHandle): boolean {
    return this.#byId.get(one.id) === one;
  }

  /** Most connections from outside since the last call. */
  inbound(): number {
    const peak = this.#inboundPeak;
    this.#inboundPeak = this.#outside.size;
    return peak;
  }

  stop(): void {
    this.#hook.disable();
    this.#byId.clear();
    this.#outside.clear();
  }

  #callbacks(sensor: Sensor): HookCallbacks {
    return {
      init: (id, type, _trigger, resource) => {
        let entered = false;
        try {
          if (isOff(sensor)) return;
          entered = enterInit();
          if (entered) this.#made(id, type, resource);
        } catch (error) {
          sensor.caught = { error };
        }
        if (entered) inits.words[inits.at]! += 1;
      },
      destroy: (id) => {
        try {
          if (!isOff(sensor)) this.#gone(id);
        } catch (error) {
          sensor.caught = { error };
        }
      },
    };
  }

  #made(id: number, type: string, resource: object): void {
    const { onMade, scopedOnly, currentScope } = this.#options;
    this.#counts.made++;
    if (type !== 'PROMISE') onMade(type, resource);
    if (this.#inside || PASSING.has(type)) return;
    const firing = type === 'Timeout' && !scopedOnly ? firingTimer(this.#byId.get(executionAsyncId())) : undefined;
    if (firing && this.#rearmed(firing, () => continues(firing, id, resource))) return;
    const sampling = this.#samplingOf(type);
    const isChosen = scopedOnly ? currentScope() : sampling.next();
    if (this.#byId.size >= MAX_FOLLOWED || !(isChosen || firing)) return;
    this.#inside = true;
    try {
      sampling.spend(() => {
        const isChain = firing && this.#rearmed(firing, () => this.#isRearmed(firing, id, resource));
        if (!isChain && isChosen) this.#start(sampling, id, type, resource);
      });
    } finally {
      this.#inside = false;
    }
  }

  #rearmed(firing: FollowedHandle, isSame: () => boolean): boolean {
    const before = firing.id;
    if (!isSame()) return false;
    this.#byId.delete(before);
    this.#byId.set(firing.id, firing);
    return true;
  }

  #isRearmed(firing: FollowedHandle, id: number, resource: object): boolean {
    return rearm(firing, { id, resource, frames: this.#options.framesOf('Timeout'), sites: this.#sites });
  }

  #samplingOf(type: string): Sampling {
    if (type === 'Timeout') return this.#timers;
    return isRequest(type) ? this.#requests : this.#open;
  }

  #endUnseen(one: FollowedHandle, now: number): void {
    this.#byId.delete(one.id);
    endUnseen(one, now);
  }

  #gone(id: number): void {
    this.#counts.gone++;
    const one = this.#byId.get(id);
    if (one === undefined) return void this.#outside.delete(id);
    this.#byId.delete(id);
    end(one, monotonicMs());
    // Could not be opened.
    if (this.#opening.length > 0) this.#opening = this.#opening.filter((other) => other !== one);
  }

  #start(sampling: Sampling, id: number, type: string, resource: object): void {
    const { scopedOnly, currentScope, onScoped, framesOf } = this.#options;
    // Taken here: each call of ours on the stack costs one frame of the program.
    const maker = this.#makerOf(id, type, framesOf(type));
    if (!maker) return;
    const { frames, opener } = maker;
    const site = this.#sites.here('handle', type, type === 'Timeout' ? spanOf(resource) : '', frames);
    if (!site) return;
    const one: FollowedHandle = {
      id,
      site,
      startMs: monotonicMs(),
      weight: scopedOnly ? 1 : sampling.weight(),
      ref: new NativeWeakRef(resource),
      scope: null,
    };
    this.#byId.set(id, one);
    begin(one);
    if (type === 'FSREQPROMISE' && frames.some(([name]) => name === 'open')) this.#opening.push(one);
    one.scope = currentScope() ?? opener?.scope ?? null;
    if (one.scope) onScoped(one);
  }

  /** Null if no code of the application is on the stack, or started what leads here; and for a synchronous call. */
  #makerOf(id: number, type: string, frames: RawFrame[]): Maker | null {
    const { scopedOnly } = this.#options;
    if (hasOwn(frames)) return isSynchronous(frames) ? null : { frames, opener: undefined };
    const opener = this.#openerOf(type);
    // A server's address is looked up first; the later one is the server itself.
    if (opener || (scopedOnly && type.endsWith('SERVERWRAP'))) return { frames: opener?.site.frames ?? frames, opener };
    if (FROM_OUTSIDE.has(type) && isFromOutside(frames)) this.#addOutside(id);
    return null;
  }

  #openerOf(type: string): FollowedHandle | undefined {
    if (type === 'FILEHANDLE') return this.#opening.shift();
    return type === 'Timeout' ? undefined : this.#steppedFrom();
  }

  /** The operation whose answer is being handled: it was started where the program asked for what Node makes now. */
  #steppedFrom(): FollowedHandle | undefined {
    const running = this.#byId.get(executionAsyncId());
    return running && STEPS.has(running.site.type) ? running : undefined;
  }

  #addOutside(id: number): void {
    this.#outside.add(id);
    if (this.#outside.size > this.#inboundPeak) this.#inboundPeak = this.#outside.size;
  }
}
