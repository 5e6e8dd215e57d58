/** All that the package exports. One bundle holds it (`dist/evdiag.cjs`), so that `import` and `require` get the same. */

export * as library from './index.ts';
export * as jest from './library/runners/jest.ts';
export { installJest } from './library/runners/jest-hooks.ts';
export * as mocha from './library/runners/mocha.ts';
export * as nodeTest from './library/runners/node-test.ts';
export { installNodeTest } from './library/runners/node-test-hooks.ts';
export { install } from './library/test-hooks.ts';
export * as vitest from './library/vitest.ts';
export * as recording from './recording-api.ts';
