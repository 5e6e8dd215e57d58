import { createSensor } from '../../guard.ts';
import { max } from '../../primordials.ts';
import type { RawFrame } from '../../shared-memory.ts';
import type { RawLookup, RawOrigin, RawPool, RawTracked } from '../../tracked.ts';
import { FollowedFileStreams } from './file-streams.ts';
import type { FollowedHandle } from './handle-state.ts';
import { FollowedHandles, type HandleOptions } from './handles.ts';
import { HttpClients } from './http-clients.ts';
import { HttpPools } from './http-pools.ts';
import { Lookups } from './lookups.ts';
import { OpenRequests } from './open-requests.ts';
import type { Sites } from './sites.ts';

/** Half of what explains that calls grow in number, as some may be missed; what fewer requests wait for is not looked at. */
const MANY_INBOUND = 10;

type Inbound = Pick<NonNullable<RawTracked['unfinished']>, 'inbound' | 'unanswered' | 'unread'>;

/** Other sensors go on where this one has failed. */
const outgoing = createSensor('following outgoing requests');

/** What is open: Node's async resources, streams of files, for which there are none, and what came from outside; and what the thread asks of others. */
export class FollowedResources {
  readonly #handles: FollowedHandles;
  readonly #files: FollowedFileStreams;
  readonly #requests = new OpenRequests();
  readonly #clients: HttpClients;
  readonly #pools = new HttpPools();
  readonly #lookups = new Lookups(outgoing);

  constructor(sites: Sites, options: HandleOptions) {
    const files = new FollowedFileStreams(sites);
    const lookups = this.#lookups;
    this.#files = files;
    this.#handles = new FollowedHandles(sites, {
      ...options,
      onMade: (type, resource) => {
        if (type === 'TickObject') files.onTick(resource);
        else lookups.onMade(type, resource);
        options.onMade(type, resource);
      },
    });
    this.#clients = new HttpClients(outgoing, this.#handles.followed, (request) => this.#pools.began(request));
    this.#clients.resume();
    lookups.resume();
  }

  resume(): void {
    this.#handles.resume();
    this.#clients.resume();
    this.#lookups.resume();
  }

  pause(): void {
    this.#handles.pause();
    this.#clients.pause();
    this.#lookups.pause();
  }

  adapt(intervalMs: number): void {
    this.#handles.adapt(intervalMs);
    this.#files.adapt(intervalMs);
    this.#clients.adapt(intervalMs);
    this.#lookups.adapt(intervalMs);
  }

  setBudget(share: number): void {
    this.#handles.setBudget(share);
    this.#files.setBudget(share);
    this.#clients.setBudget(share);
    this.#lookups.setBudget(share);
  }

  verify(): void {
    this.#handles.verify();
    this.#files.verify();
  }

  check(): void {
    this.#handles.check();
    this.#files.check();
  }

  spent(): ReturnType<FollowedHandles['spent']> {
    const ofHandles = this.#handles.spent();
    const stacksMs = this.#files.spent() + this.#clients.spent() + this.#lookups.spent();
    return { ...ofHandles, stacksMs: ofHandles.stacksMs + stacksMs };
  }

  sites(): ReturnType<FollowedHandles['sites']> {
    return this.#handles.sites();
  }

  siteOf(id: number): ReturnType<FollowedHandles['siteOf']> {
    return this.#handles.siteOf(id);
  }

  /** Connections that requests wait for. */
  pools(): RawPool[] {
    const framesOf = (id: number): RawFrame[] | null => this.#handles.followed(id)?.site.frames ?? null;
    return [...this.#pools.read(this.#handles.connections(), framesOf), ...this.#clients.pools()];
  }

  /** Connections that requests opened, names that were looked up again, and how long answers took. */
  outgoing(): { origins: RawOrigin[]; lookups: RawLookup[]; upstreams: ReturnType<HttpClients['readUpstreams']> } {
    const lookups = this.#lookups.read((host) => this.#clients.framesOf(host));
    return { origins: this.#clients.read(), lookups, upstreams: this.#clients.readUpstreams() };
  }

  isAlive(one: FollowedHandle): boolean {
    return this.#handles.isAlive(one);
  }

  /** Requests are looked at where many are open; connections also where some may have come while nobody looked: not `isComplete`. */
  inbound(isComplete: boolean): Inbound {
    const seen = this.#handles.inbound();
    if (isComplete && seen < MANY_INBOUND) return { inbound: seen };
    const { connections, ...requests } = this.#requests.read();
    const inbound = max(seen, isComplete ? 0 : connections);
    return { inbound, ...(inbound >= MANY_INBOUND && requests) };
  }

  stop(): void {
    this.#clients.pause();
    this.#lookups.pause();
    this.#handles.stop();
    this.#files.stop();
  }
}
