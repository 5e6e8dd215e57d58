/** Nodes and edges of a snapshot, read by this thread and a worker. */
import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { packageRoot } from '../util/package-root.ts';
import { boundsOf } from './bounds.ts';
import type { ReaderOptions } from './byte-reader.ts';
import type { EdgeRows, NodeRows } from './column-rows.ts';
import { PIECE_BYTES, pieceCount, Taker } from './pieces.ts';
import { scanKernel } from './scan-kernel.ts';
import { jobsOf, type SharedRead, sharedBytes, sharedWords } from './shared-read.ts';

/** Below, a worker starts when all is read. */
const MIN_BYTES = 80 << 20;
/** Pieces between two looks at what else there is to do, such as Ctrl-C. */
const PIECES_A_TURN = 64;

export type Plan = Omit<SharedRead, 'path' | 'nodeBounds' | 'edgeBounds' | 'nodes' | 'edges' | 'taken'>;

export interface ParallelRead {
  /** Behind the closing bracket of the edges. */
  endOffset: number;
  /** Takes part until all is read; null if the file is not as V8 writes it. */
  finish(onProgress: (doneBytes: number) => void): Promise<{ nodes: NodeRows; edges: EdgeRows } | null>;
  close(): void;
}

/** The file of the worker; null where a second thread is not worth it, or there is none. */
export function workerFor(path: string, { minParallelBytes = MIN_BYTES, worker }: ReaderOptions): string | null {
  try {
    const bytes = statSync(path).size;
    if (bytes < minParallelBytes || availableParallelism() < 2) return null;
    if (worker !== undefined) return worker;
    const file = join(packageRoot(), 'dist', 'heap-worker.cjs');
    return existsSync(file) ? file : null;
  } catch {
    // Why a file cannot be read, its reader says.
    return null;
  }
}

/** Begins to read from `start`, behind the bracket of the nodes; null if the file is not as V8 writes it. */
export function beginParallel(
  path: string,
  worker: string,
  start: number,
  fileBytes: number,
  plan: Plan,
): ParallelRead | null {
  const descriptor = openSync(path, 'r');
  const { nodeFields, edgeFields } = plan;
  const bounds = boundsOf(descriptor, { start, fileBytes, nodeWidth: nodeFields.width, edgeWidth: edgeFields.width });
  if (bounds) return new SharedReading(descriptor, worker, sharedRead(path, plan, bounds));
  closeSync(descriptor);
  return null;
}

function sharedRead(path: string, plan: Plan, bounds: NonNullable<ReturnType<typeof boundsOf>>): SharedRead {
  const { nodeCount, edgeCount } = plan;
  return {
    ...plan,
    path,
    nodeBounds: bounds.nodes,
    edgeBounds: bounds.edges,
    nodes: {
      nodeType: sharedBytes(nodeCount),
      nodeName: sharedWords(nodeCount),
      nodeId: sharedWords(nodeCount),
      selfSize: sharedWords(nodeCount),
      firstEdge: sharedWords(nodeCount + 1),
    },
    edges: { edgeType: sharedBytes(edgeCount), edgeName: sharedWords(edgeCount), edgeTarget: sharedWords(edgeCount) },
    taken: new Int32Array(new SharedArrayBuffer(8)),
  };
}

/** How many numbers a thread has stored; null if it came upon something strange. */
type Stored = { nodes: number; edges: number } | null;

class SharedReading implements ParallelRead {
  readonly endOffset: number;
  readonly #descriptor: number;
  readonly #read: SharedRead;
  readonly #worker: Worker;
  readonly #theirs: Promise<Stored>;

  constructor(descriptor: number, worker: string, read: SharedRead) {
    this.#descriptor = descriptor;
    this.#read = read;
    this.endOffset = read.edgeBounds.end + 1;
    // Without the options of this process: what is loaded by them is not for a reader.
    this.#worker = new Worker(worker, { workerData: read, execArgv: [], env: {} });
    this.#worker.unref();
    this.#theirs = new Promise((resolve) => {
      this.#worker.once('message', resolve);
      this.#worker.once('error', () => resolve(null));
      this.#worker.once('exit', () => resolve(null));
    });
  }

  async finish(onProgress: (doneBytes: number) => void): ReturnType<ParallelRead['finish']> {
    const { nodeCount, edgeCount, nodeFields, edgeFields, nodes, edges } = this.#read;
    const ours = await this.#takeFromFront(onProgress);
    this.#worker.ref();
    const theirs = ours && (await this.#theirs);
    if (!theirs || ours.nodes + theirs.nodes !== nodeCount * nodeFields.width) return null;
    if (ours.edges + theirs.edges !== edgeCount * edgeFields.width) return null;
    return sumUp(nodes.firstEdge, edgeCount) ? { nodes, edges } : null;
  }

  async #takeFromFront(onProgress: (doneBytes: number) => void): Promise<Stored> {
    const kernel = scanKernel();
    const { taken, nodeBounds, edgeBounds } = this.#read;
    const jobs = jobsOf(this.#read);
    const takers = [jobs.nodes, jobs.edges].map((job) => new Taker(kernel, this.#descriptor, job, false));
    const most = pieceCount(nodeBounds) + pieceCount(edgeBounds);
    for (const taker of takers) {
      for (let count = 1; ; count++) {
        const state = taker.take();
        if (state === 'strange') return null;
        if (state === 'none') break;
        if (count % PIECES_A_TURN > 0) continue;
        onProgress(PIECE_BYTES * Math.min(most, Atomics.load(taken, 0) + Atomics.load(taken, 1)));
        await turn();
      }
    }
    const [ofNodes = 0, ofEdges = 0] = takers.map(({ stored }) => stored);
    return { nodes: ofNodes, edges: ofEdges };
  }

  close(): void {
    // No piece is left for it.
    Atomics.store(this.#read.taken, 0, 2 ** 30);
    Atomics.store(this.#read.taken, 1, 2 ** 30);
    void this.#worker.terminate();
    closeSync(this.#descriptor);
  }
}

/** From numbers of edges to the first edge of each node; false if they are not as many as there should be. */
function sumUp(firstEdge: Uint32Array, edgeCount: number): boolean {
  let next = 0;
  for (let node = 0; node < firstEdge.length; node++) {
    const count = firstEdge[node]!;
    firstEdge[node] = next;
    next += count;
    if (next > edgeCount) return false;
  }
  return next === edgeCount;
}
