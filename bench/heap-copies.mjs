// A valid snapshot of any size: the graph of a small one several times over, under one root. Writing a real one of 2 GB takes
// minutes and 8 GB of memory. node heap-copies.mjs SMALL LARGE COPIES

import { once } from 'node:events';
import { createWriteStream, readFileSync } from 'node:fs';

const [small, large, copies] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const { snapshot, nodes, edges, strings, locations } = JSON.parse(readFileSync(small, 'utf8'));
const { node_fields, edge_fields, edge_types } = snapshot.meta;
const width = node_fields.length;
const [idAt, countAt] = [node_fields.indexOf('id'), node_fields.indexOf('edge_count')];
let lastId = 0;
for (let at = idAt; at < nodes.length; at += width) lastId = Math.max(lastId, nodes[at]);

const out = createWriteStream(large, { mode: 0o600 });
/** @type {string[]} */
let held = [];
let heldLength = 0;
/** @param {string} text */
const write = async (text) => {
  held.push(text);
  heldLength += text.length;
  if (heldLength < 1 << 22) return;
  if (!out.write(held.join(''))) await once(out, 'drain');
  held = [];
  heldLength = 0;
};

const nodeCount = snapshot.node_count * copies;
const edgeCount = snapshot.edge_count * copies + copies - 1;
await write(`{"snapshot":${JSON.stringify({ ...snapshot, node_count: nodeCount, edge_count: edgeCount })},\n"nodes":[`);
for (let copy = 0; copy < copies; copy++) {
  for (let at = 0; at < nodes.length; at += width) {
    const row = nodes.slice(at, at + width);
    row[idAt] += copy * (lastId + 1);
    if (copy === 0 && at === 0) row[countAt] += copies - 1;
    await write(`${copy + at === 0 ? '' : ','}${row.join(',')}\n`);
  }
}
await write('],\n"edges":[');
const element = edge_types[0].indexOf('element');
const links = Array.from({ length: copies - 1 }, (_, i) => `${element},${1e6 + i},${(i + 1) * nodes.length}`);
await write(links.join('\n,') + (links.length > 0 ? '\n' : ''));
for (let copy = 0; copy < copies; copy++) {
  for (let at = 0; at < edges.length; at += edge_fields.length) {
    const isFirst = copy + at === 0 && links.length === 0;
    await write(`${isFirst ? '' : ','}${edges[at]},${edges[at + 1]},${edges[at + 2] + copy * nodes.length}\n`);
  }
}
const rest = `"trace_function_infos":[],\n"trace_tree":[],\n"samples":[]`;
await write(`],\n${rest},\n"locations":${JSON.stringify(locations)},\n"strings":${JSON.stringify(strings)}}`);
out.end(held.join(''));
await once(out, 'finish');
