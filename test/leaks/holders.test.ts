import { expect, test } from 'vitest';
import { pathTree } from '../../src/heap/path-tree.ts';
import { Holders } from '../../src/leaks/holders.ts';
import { snapshotOf } from '../heap/graphs.ts';

/** What V8's handles hold by a function of this script, without any variable. */
async function holderBelow(script: string) {
  const snapshot = await snapshotOf([
    { type: 'synthetic', name: '', edges: [[1, 1, 'element']] },
    { type: 'synthetic', name: '(Global handles)', edges: [[2, 1, 'element']] },
    {
      type: 'closure',
      name: 'init',
      edges: [[3, 'shared', 'internal']],
    },
    { type: 'code', name: 'init', edges: [[4, 'script', 'internal']] },
    { type: 'code', name: 'system / Script', edges: [[5, 'name', 'internal']] },
    { type: 'string', name: script },
  ]);
  const holders = new Holders(snapshot, pathTree(snapshot));
  const chain = holders.chainOf(2);
  holders.prepare([chain]);
  return holders.holderOf(chain);
}

test('what V8 holds by a function of the agent is the agent’s, and no leak of the program', async () => {
  expect(await holderBelow('/app/node_modules/evdiag/dist/agent.cjs')).toMatchObject({ kind: 'handles', isOwn: true });
});

test('what V8 holds by a function of the program is the program’s', async () => {
  expect(await holderBelow('/app/server.js')).toMatchObject({
    kind: 'handles',
    text: 'native (Global handles)',
    isOwn: false,
  });
});
