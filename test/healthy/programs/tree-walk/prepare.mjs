import { mkdirSync, writeFileSync } from 'node:fs';

const DEPTH = 9;

function plant(folder, depth) {
  mkdirSync(folder);
  writeFileSync(`${folder}/leaf.txt`, `leaf of ${folder}\n`.repeat(20));
  if (depth === DEPTH) return;
  for (const name of ['left', 'right']) plant(`${folder}/${name}`, depth + 1);
}

plant('tree', 0);
