import { monotonicMs, NativeSet } from '../../primordials.ts';
import { createSampling, type Sampling } from '../tracking/sampling.ts';
import { currentFrames } from '../tracking/sites.ts';
import type { createNames } from './names.ts';

/** Per second, for the stacks of what is made: ticks are many and say little. */
const BUDGET_MS = { promises: 60, resources: 60, ticks: 10 } as const;
const ADAPT_MS = 250;
const TICKS = new NativeSet(['TickObject', 'Microtask', 'Immediate']);

type Hook = (...args: never[]) => void;

/** Where things are made, by the number of the site: of a sample, as often as the budget allows. */
export class SiteSampling {
  readonly #names: ReturnType<typeof createNames>;
  readonly #promises = createSampling(BUDGET_MS.promises);
  readonly #resources = createSampling(BUDGET_MS.resources);
  readonly #ticks = createSampling(BUDGET_MS.ticks);
  #adaptedMs: number;
  #inside = false;

  constructor(names: ReturnType<typeof createNames>, startMs: number) {
    this.#names = names;
    this.#adaptedMs = startMs;
  }

  /** 0 if it is not in the sample. Called by `hook`. */
  ofPromise(hook: Hook): number {
    return this.#site(this.#promises, hook);
  }

  ofResource(type: string, hook: Hook): number {
    return this.#site(TICKS.has(type) ? this.#ticks : this.#resources, hook);
  }

  #site(sampling: Sampling, hook: Hook): number {
    if (this.#inside || !sampling.next()) return 0;
    this.#inside = true;
    let site = 0;
    try {
      sampling.spend(() => {
        site = this.#names.site(currentFrames(hook));
      });
      this.#adapt();
    } finally {
      this.#inside = false;
    }
    return site;
  }

  #adapt(): void {
    const ms = monotonicMs() - this.#adaptedMs;
    if (ms < ADAPT_MS) return;
    this.#adaptedMs += ms;
    this.#promises.adapt(ms);
    this.#resources.adapt(ms);
    this.#ticks.adapt(ms);
  }
}
