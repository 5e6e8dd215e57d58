import type { Probe } from '../../../src/async-dump/probe.ts';
import type { RawFrame } from '../../shared-memory.ts';
import { toFrame } from '../stack.ts';

/** A call that waits though it was not in the sample, and its await with what awaits it. */
export interface Waiting {
  awaited: object;
  made: object;
  frames: RawFrame[];
  startMs: number;
}

export type Passed = Pick<Waiting, 'awaited' | 'made'>;

// Loaded when it is first needed: a program that waits for nothing does not pay for it.
const loadProbe = () =>
  require('../../../src/async-dump/probe.ts') as typeof import('../../../src/async-dump/probe.ts');

/** Asks V8 which calls await promises. */
export class Awaiting {
  #probe: Probe | null = null;
  #supported = true;

  /** V8 has reported so far. */
  isSupported(): boolean {
    return this.#supported;
  }

  /** Who awaits each, innermost first; V8 reports none for a promise with several reactions. */
  chains(promises: object[]): RawFrame[][] {
    return this.#supported ? this.#ask(promises) : promises.map(() => []);
  }

  /** Those of the candidates that an await waits for. */
  of(candidates: Passed[], startMs: number): Waiting[] {
    const stacks = this.#ask(candidates.map(({ awaited }) => awaited));
    // Awaited by Promise.all: that has a promise of its own.
    const awaited = candidates.flatMap((one, i) => (stacks[i]?.[0]?.[1] ? [{ ...one, frames: stacks[i] }] : []));
    // What V8 makes for an await leads nowhere; what a reaction settles leads to the same call.
    const beyond = this.#ask(awaited.map(({ made }) => made));
    return awaited.filter((_, i) => beyond[i]?.length === 0).map((one) => ({ ...one, startMs }));
  }

  /** The frames of the calls that await each, innermost first; empty if there are none. */
  #ask(promises: object[]): RawFrame[][] {
    if (promises.length === 0) return [];
    try {
      this.#probe ??= loadProbe().createProbe();
      const asked = this.#probe.sites(promises);
      return asked.map((sites) => (loadProbe().asyncSites(sites) as NodeJS.CallSite[]).map(toFrame));
    } catch (error) {
      this.#probe = null;
      this.#supported = (error as { code?: unknown } | null)?.code === 'EVDIAG_BUSY';
      return promises.map(() => []);
    }
  }
}
