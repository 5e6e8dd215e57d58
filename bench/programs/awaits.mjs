// Five million awaits in one go: the cost of promise hooks shows here first.
import { measureWork } from './measure-work.mjs';

const AWAITS = 5e6;

await measureWork(async (share) => {
  for (let i = 0; i < AWAITS * share; i++) await i;
});
