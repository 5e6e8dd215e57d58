import type { Inventory } from '../protocol/inventory.ts';
import type { Frame } from '../recording/types.ts';
import type { CallGroup } from './dump.ts';
import { CHAIN_LIMIT } from './probe.ts';
import { awaitedText } from './source-text.ts';

/** The chains of an inventory as groups of calls: counts are of promises. */
export function quickCalls(frames: readonly Frame[], groups: Inventory['groups']): CallGroup[] {
  return (
    groups
      .map(({ count, frames: ids }) => ({ count, chain: ids.map((id) => frames[id]!).filter(Boolean) }))
      // The elements of Promise.all and the like: the next call has a promise of its own.
      .filter(({ chain }) => chain[0] !== undefined && chain[0].category !== 'native')
      .map(({ count, chain }) => ({ ...callGroup(count, once(chain)), repeats: once(chain).length < chain.length }))
      .sort((a, b) => b.count - a.count)
  );
}

/** A group from its chain, the call itself first. */
export function callGroup(count: number, chain: readonly Frame[], exact = true): CallGroup {
  const [call, ...awaitedBy] = chain as [Frame, ...Frame[]];
  const { file, line, column, category } = call;
  return {
    count,
    function: call.function,
    file,
    line,
    column,
    category,
    exact,
    awaits: exact ? awaitedText(file, line, column) : '',
    awaitedBy,
    otherAwaiters: 0,
    repeats: false,
    settledBy: null,
    ageMs: null,
  };
}

/** V8 follows a cycle up to its limit, and a deep recursion looks the same: one round is listed. */
function once(chain: readonly Frame[]): readonly Frame[] {
  if (chain.length < CHAIN_LIMIT) return chain;
  const again = chain.findIndex((frame, i) => i > 0 && frame === chain[0]);
  return again < 0 ? chain : chain.slice(0, again);
}
