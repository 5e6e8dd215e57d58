import type { Json, WorkDuring } from '../../../src/protocol/thread-api.ts';
import type { Work as NamedWork } from '../../../src/recording/rows/work.ts';
import { LABELS, type LabelMessage } from '../../../src/util/label-channel.ts';
import { builtIn } from '../../built-in.ts';
import { createSensor, guarded, isOff } from '../../guard.ts';
import { monotonicMs, NativeNumber, toJson } from '../../primordials.ts';
import type { Sample } from '../../samplers/types.ts';
import type { SensorCost } from '../../tracked.ts';
import { onceLoaded } from '../built-ins.ts';
import { onLeave } from '../leaving.ts';
import type { NodeInternals } from '../node-internals.ts';
import { carry, isCarriedFree, stopCarrying, type WorkItem } from './current.ts';
import type { FollowedWork } from './followed-work.ts';

/** Loaded when the program loads node:http, or names a job: the start of others does not wait for it. */
const loadFollowing = () => require('./followed-work.ts') as typeof import('./followed-work.ts');

/** Of the budget, what requests may take. */
const BUDGET_PART = 0.25;
/** After a stall without a name. */
const WANTED_MS = 10_000;

/** Whose work the thread does: requests, and jobs that the program names. */
export class Work {
  readonly #sensor = createSensor('following requests');
  readonly #onFollowed: () => void;
  #share = 0;
  #following: FollowedWork | null = null;
  #hasHttp = false;
  #hasBegun = false;
  #unnamedMs = NativeNumber.NEGATIVE_INFINITY;
  #promisesFollowed = false;
  /** Promises are followed in windows: all of them would cost too much. */
  #inWindows = false;

  /** `onFollowed`: called when the first request or job begins. */
  constructor(internals: NodeInternals | null, onFollowed: () => void) {
    this.#onFollowed = onFollowed;
    const onHttp = guarded(this.#sensor, () => {
      this.#hasHttp = true;
      this.#begin();
    });
    const onLabel = guarded(this.#sensor, (message: LabelMessage) => this.#label(message)) as (
      message: unknown,
    ) => void;
    const channels = builtIn<typeof import('node:diagnostics_channel')>('diagnostics_channel');
    channels?.subscribe(LABELS, onLabel);
    onLeave(() => channels?.unsubscribe(LABELS, onLabel));
    onceLoaded(internals, '_http_server', onHttp);
  }

  /** What the thread may spend, as a share of its time (0: nothing is followed), and what of all time is its own. */
  follow(share: number, ownShare: number): void {
    this.#share = share;
    if (share === 0 || isOff(this.#sensor)) this.stop();
    else if (this.#following || this.#hasHttp) this.#begin()?.govern(share * BUDGET_PART, ownShare);
  }

  stop(): void {
    this.#following?.stop();
    this.#following = null;
  }

  /**
   * Promises are followed, or no longer: where it has a price, work is carried along with them. Each time leaves a busy program
   * slower for a while, so where they are followed in windows there must be a stall without a name.
   */
  onPromisesFollowed(isFollowed: boolean): void {
    this.#promisesFollowed = isFollowed;
    if (!isFollowed) this.#inWindows = true;
    if (!this.#following || isCarriedFree()) return;
    if (!isFollowed) stopCarrying();
    else if (!this.#inWindows || this.wantsPromises()) carry();
  }

  /** A stall had no name, because work is carried along only with promises that are followed: there is reason to look for a while. */
  wantsPromises(): boolean {
    return monotonicMs() - this.#unnamedMs < WANTED_MS;
  }

  readonly nameOf = (item: WorkItem): NamedWork | null => this.#following?.workOf(item) ?? null;

  /** Null if nothing is followed. */
  during(fromMs: number, toMs: number, ids: readonly number[], isOwn: boolean): Json<WorkDuring | null> {
    if (isOwn) this.#following?.hint();
    if (isOwn && this.#hasBegun && ids.length === 0 && !isCarriedFree()) this.#wantName();
    return toJson(this.#following?.during(fromMs, toMs, ids) ?? null);
  }

  #wantName(): void {
    this.#unnamedMs = monotonicMs();
    if (this.#following && this.#promisesFollowed) carry();
  }

  read(final: boolean): Sample[] {
    try {
      const row = isOff(this.#sensor) ? null : (this.#following?.read(final) ?? null);
      return row ? [row] : [];
    } catch (error) {
      // No failure may end the timer.
      this.#sensor.caught = { error };
      return [];
    }
  }

  /** What it cost since the last call, in ms. */
  spent(): number {
    return this.#following?.spent() ?? 0;
  }

  costs(): SensorCost[] {
    return this.#following?.costs() ?? [];
  }

  #begin(): FollowedWork | null {
    if (this.#following || this.#share === 0 || isOff(this.#sensor)) return this.#following;
    const onFirst = (): void => {
      if (!this.#hasBegun) this.#onFollowed();
      this.#hasBegun = true;
    };
    this.#following = new (loadFollowing().FollowedWork)(this.#sensor, this.#share * BUDGET_PART, onFirst);
    return this.#following;
  }

  #label(message: LabelMessage): void {
    const { kind, name } = message;
    const following = this.#begin();
    if (!following) return;
    // By this name profiles leave it out.
    const { markedCall: run } = { markedCall: <T>(job: () => T): T => following.label(kind, name, job) };
    message.run = run;
  }
}
