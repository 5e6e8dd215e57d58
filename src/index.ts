/** The public API, `import … from 'evdiag'`: watch your own code, and the agent in the same process. */

export type { AwaitCycle, CallGroup as SuspendedCall, SettledBy } from './async-dump/dump.ts';
export { type AsyncDump, type DumpAsyncOptions, dumpAsync } from './async-dump/dump-async.ts';
export { setLevel } from './attach/set-level.ts';
export { expectNoLeaks } from './library/expect-no-leaks.ts';
export { label } from './library/label.ts';
export { LeakError } from './library/leak-error.ts';
export { profile } from './library/profile.ts';
export type {
  AwaitSite,
  CpuProfile,
  ExpectNoLeaksOptions,
  Ignore,
  Leftover,
  LeftoverKind,
  Profiled,
  ProfiledFunction,
  ProfileFormat,
  ProfileOptions,
  Watched,
  WatchOptions,
} from './library/types.ts';
export { watch } from './library/watch.ts';
export type { Profile, ProfileFrame, ThreadProfile } from './profile/types.ts';
export type { Level, Location } from './recording/types.ts';
