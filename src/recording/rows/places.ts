/** Places in source code, and what calls them. */

/** A place in source code: absolute path of the original source (source maps applied), 1-based line and column. */
export interface Location {
  file: string;
  line: number;
  column: number;
  function: string;
  /** Where a function without a name begins, "line:column" of the generated code: distinguishes two of them (format 1.1). */
  start?: string;
}

/** Whose code a frame is: the user's own, a package in node_modules, Node's own JavaScript, or a V8 built-in. */
export type FrameCategory = 'application' | 'dependency' | 'node' | 'native';

export interface Frame extends Location {
  category: FrameCategory;
  /** Not on the stack: it awaits the frame before it. */
  awaits?: true;
}

/** What a chain of short calls consists of: promise reactions, `process.nextTick`, or callbacks of the loop itself. */
export const CHAIN_KINDS = ['microtask', 'nexttick', 'callbacks'] as const;
export type ChainKind = (typeof CHAIN_KINDS)[number];
