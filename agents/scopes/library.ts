/** The bundle `dist/library.cjs`: what `watch`, `expectNoLeaks`, `profile` and `evdiag/vitest` load when they are used. */

export { keepTimers } from './natives.ts';
export { profile } from './profile.ts';
export { toFrame } from './run-sources.ts';
export { isFollowing, openScope } from './scopes.ts';
export { startStalls } from './stalls.ts';
