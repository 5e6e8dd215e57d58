/** All that the package exports. One bundle holds it (`dist/evdiag.cjs`), so that `import` and `require` get the same. */

export * as library from './index.ts';
export { install } from './library/test-hooks.ts';
export * as vitest from './library/vitest.ts';
export * as recording from './recording-api.ts';
