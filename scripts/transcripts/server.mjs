// Makes rows for a report, again and again.
function makeRows(count) {
  const rows = [];
  for (let i = 0; i < count; i++) rows.push({ id: i, name: `row ${i}`.padEnd(12) });
  return rows;
}

function report(rows) {
  return JSON.stringify(rows).length;
}

setInterval(() => report(makeRows(20_000)), 20);
console.log('ready');
