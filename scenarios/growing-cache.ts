import { setTimeout as delay } from 'node:timers/promises';
import { runIfMain, steadyLoad, withServer } from './support.ts';
import type { Headline, Scenario } from './types.ts';

/** A tile has so many heights along each side, 8 bytes each: 80 kB. */
const SIDE = 100;
/** As many tiles as people look at in a while. */
const MAX_TILES = 40;
/** The region around a tile, for its shadows; the latest stay for the tiles beside them. */
const REGION_BYTES = 4e6;
const MAX_REGIONS = 12;
/** What the store of heights takes to answer. */
const STORE_MS = 20;
const CLIENTS = 6;
/** At level watch, what grows is sampled from its fifth collection on, for three seconds at least. */
const RUN_MS = 14_000;

type Tile = number[];

const regions: Buffer[] = [];

async function readRegion(place: number): Promise<Buffer> {
  await delay(STORE_MS);
  const region = Buffer.alloc(REGION_BYTES);
  region.writeInt32LE(place, place * 4);
  regions[place % MAX_REGIONS] = region;
  return region;
}

async function drawTile(place: number): Promise<Tile> {
  const region = await readRegion(place);
  const tile: Tile = [];
  for (let i = 0; i < SIDE * SIDE; i++) tile.push(region.readInt32LE(i * 4) / 4); // guilty
  return tile;
}

const tiles = new Map<string, Tile>();

/** The links carry the number of a visit, so that nothing is found; and nothing goes. */
async function tileGrowing(link: string): Promise<Tile> {
  const known = tiles.get(link);
  if (known) return known;
  const tile = await drawTile(Number(link));
  tiles.set(link, tile); // guilty
  return tile;
}

const recent = new Map<string, Tile>();

/** Those that were asked for last: a Map keeps the order in which they came. */
async function tileBounded(link: string): Promise<Tile> {
  const tile = recent.get(link) ?? (await drawTile(Number(link)));
  recent.delete(link);
  recent.set(link, tile);
  if (recent.size > MAX_TILES) recent.delete(recent.keys().next().value!);
  return tile;
}

function serve(tileOf: (link: string) => Promise<Tile>): Promise<Headline> {
  const route = async (query: URLSearchParams) => String((await tileOf(query.get('tile')!)).length);
  return withServer({ '/tile': route }, async (get) => {
    const { requests, pingMs } = await steadyLoad(get, '/tile?tile={i}', 200, CLIENTS, RUN_MS);
    return { what: `95 of 100 pings beside ${requests} tiles`, value: pingMs, unit: 'ms' };
  });
}

export const growingCache: Scenario = {
  id: 'growing-cache',
  title: 'A cache that only grows',
  description: 'Tiles of a map are kept by their link in a Map of the module, and no two links are the same.',
  expect: [{ rule: 'leak-suspect', kind: 'kept-objects' }],
  broken: () => serve(tileGrowing),
  fixed: () => serve(tileBounded),
};

runIfMain(import.meta.url, growingCache);
