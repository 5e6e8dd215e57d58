import { collapsed } from '../exporters/collapsed.ts';
import { cpuprofile } from '../exporters/cpuprofile.ts';
import { html } from '../exporters/html.ts';
import { markdown } from '../exporters/markdown.ts';
import { pprof } from '../exporters/pprof.ts';
import { speedscope } from '../exporters/speedscope.ts';
import { svg } from '../exporters/svg.ts';
import { timeline } from '../exporters/timeline.ts';
import type { Exporter } from '../exporters/types.ts';
import { readCpuProfile } from '../profile/read-cpuprofile.ts';
import type { Profile } from '../profile/types.ts';
import { libraryBundle } from './bundle.ts';
import { profileTable } from './profile-table.ts';
import type { AwaitSite, Profiled, ProfileFormat, RawProfiled, Wait } from './types.ts';
import { awaitSites, waitingProfile } from './waiting.ts';

const EXPORTERS: Record<ProfileFormat, Exporter> = {
  collapsed,
  cpuprofile,
  html,
  markdown,
  pprof,
  speedscope,
  svg,
  'trace-events': timeline,
};

/** What `profile` gives. Its profiles are put together when they are asked for. */
export class ProfileResult<T> implements Profiled<T> {
  readonly value: T;
  readonly durationMs: number;
  readonly busyMs: number;
  readonly sampleCount: number;
  readonly functions: Profiled<T>['functions'];
  readonly cpuProfile: Profiled<T>['cpuProfile'];
  readonly waits: AwaitSite[];
  readonly unfollowedWaits: number;
  readonly #name: string;
  readonly #raw: { waits: Wait[]; intervalUs: number; deoptimized: boolean };
  #cpu: Profile | undefined;
  #waiting: Profile | undefined;

  constructor(name: string, { waits, intervalUs, deoptimized, ...raw }: RawProfiled<T>) {
    this.value = raw.value;
    this.durationMs = raw.durationMs;
    this.busyMs = raw.busyMs;
    this.sampleCount = raw.sampleCount;
    this.functions = raw.functions;
    this.cpuProfile = raw.cpuProfile;
    this.waits = awaitSites(waits);
    this.unfollowedWaits = raw.unfollowedWaits;
    this.#name = name || 'a function';
    this.#raw = { waits, intervalUs, deoptimized };
  }

  get cpu(): Profile {
    const { intervalUs: interval, deoptimized } = this.#raw;
    const taken = { interval, warmCode: deoptimized, apart: deoptimized };
    const read = () => readCpuProfile(this.cpuProfile, { taken, map: libraryBundle().toFrame });
    this.#cpu ??= { title: this.#name, kind: 'cpu', unit: 'us', threads: [read()] };
    return this.#cpu;
  }

  get waiting(): Profile {
    this.#waiting ??= waitingProfile(`${this.#name}, waiting`, this.#raw.waits);
    return this.#waiting;
  }

  export(format: 'pprof', what?: 'cpu' | 'waiting'): Uint8Array;
  export(format: Exclude<ProfileFormat, 'pprof'>, what?: 'cpu' | 'waiting'): string;
  export(format: ProfileFormat, what?: 'cpu' | 'waiting'): string | Uint8Array;
  export(format: ProfileFormat, what: 'cpu' | 'waiting' = 'cpu'): string | Uint8Array {
    const exporter = Object.hasOwn(EXPORTERS, format) ? EXPORTERS[format] : undefined;
    if (!exporter)
      throw new RangeError(`evdiag: there is no format ${String(format)}: ${Object.keys(EXPORTERS).join(', ')}.`);
    return exporter.write(what === 'waiting' ? this.waiting : this.cpu);
  }

  table(rows = 10): string {
    return profileTable(this.#name, this, rows);
  }

  toString(): string {
    return this.table();
  }
}
