// JSON and string work in turns of some milliseconds, as a busy but well-behaved service does.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { measureWork } from './measure-work.mjs';

const TURNS = 400;
const rows = Array.from({ length: 2_000 }, (_, id) => ({ id, name: `name ${id}`, tags: ['a', 'b'], price: id / 7 }));

await measureWork(async (share) => {
  for (let turn = 0; turn < TURNS * share; turn++) {
    /** @type {typeof rows} */
    const copies = JSON.parse(JSON.stringify(rows));
    const names = copies.map(({ name }) => name.toUpperCase());
    names.sort().join(',').replaceAll('NAME', 'name').split(',');
    await nextTurn();
  }
});
