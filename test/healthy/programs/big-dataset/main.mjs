// A server over a data set of some 150 MB in the heap: large, and stable once it is built.
import http from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

const CITIES = 300_000;
const CITIES_PER_TURN = 2000;
const cities = new Map();
const byCell = new Map();

for (let id = 0; id < CITIES; id++) {
  const city = {
    id,
    name: `city number ${id}`,
    latitude: ((id * 7919) % 18_000) / 100 - 90,
    longitude: ((id * 104_729) % 36_000) / 100 - 180,
    people: (id * 31) % 1_000_000,
    names: { de: `Stadt ${id}`, fr: `ville ${id}`, it: `città ${id}` },
  };
  cities.set(id, city);
  const cell = cellOf(city);
  if (byCell.has(cell)) byCell.get(cell).push(city);
  else byCell.set(cell, [city]);
  if (id % CITIES_PER_TURN === 0) await nextTurn();
}

function cellOf({ latitude, longitude }) {
  return `${Math.round(latitude)},${Math.round(longitude)}`;
}

const routes = {
  cities: (id) => cities.get(id),
  near: (id) =>
    byCell
      .get(cellOf(cities.get(id)))
      .toSorted((a, b) => b.people - a.people)
      .slice(0, 10),
};

const server = http.createServer((request, response) => {
  const [, route, id] = request.url.split('/');
  response.end(JSON.stringify(routes[route]((Number(id) * 7919) % CITIES)));
});
server.listen(0, '127.0.0.1', () => console.log(`listening on ${server.address().port}`));
process.once('SIGTERM', () => server.close());
