import { watch } from 'evdiag';

const rows = [1, 2];

function importAll() {
  setInterval(() => {}, 1000);
  for (const row of rows) store(row);
  return rows.length;
}

async function store() {
  await new Promise(() => {});
}

const { value, left } = await watch('import', importAll);
console.log(`imported ${value}`);
for (const { what, count, location } of left) console.log(`${count} × ${what}, line ${location?.line}`);
process.exit();
