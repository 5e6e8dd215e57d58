import type { Session } from 'node:inspector';
import { setFlagsFromString } from 'node:v8';
import type { CpuProfile, ProfiledFunction, ProfileOptions, RawProfiled } from '../../src/library/types.ts';
import { toLocation } from '../../src/recording/places.ts';
import { functionFrame } from '../../src/recording/source-maps.ts';
import { monotonicMs } from '../primordials.ts';
import { isNotOurs } from './leftovers.ts';
import { BESIDE, OWN_TIME, toOwnNodes } from './own-time.ts';
import { toFrame } from './run-sources.ts';
import { type FollowedCall, followCall } from './waits.ts';

const DEFAULT_INTERVAL_US = 1000;
const MIN_INTERVAL_US = 50;
const DEFAULT_TOP = 20;
const INLINING = ['turbo-inlining', 'maglev-inlining'];
/** V8's own entries that are not work of the thread. */
const NOT_BUSY = new Set(['(root)', '(program)', '(idle)', OWN_TIME, BESIDE]);

type Node = CpuProfile['nodes'][number];

/**
 * Profiles the thread while the function runs, by an inspector session of its own, and follows what belongs to it: when it
 * runs, and what it awaits. Profiles may overlap and be nested.
 */
export async function profile<T>(fn: () => T | Promise<T>, options: ProfileOptions): Promise<RawProfiled<T>> {
  const { top = DEFAULT_TOP, deoptimize = !measuresCoverage(), waits: follows = true, all = false } = options;
  const intervalUs = Math.max(MIN_INTERVAL_US, Math.round(options.intervalUs ?? DEFAULT_INTERVAL_US));
  const session = openSession();
  let apart = false;
  let call: FollowedCall | null = null;
  try {
    post(session, 'Profiler.enable');
    post(session, 'Profiler.setSamplingInterval', { interval: intervalUs });
    apart = true;
    if (deoptimize) keepFunctionsApart(session);
    if (follows) call = followCall();
    const profileMs = Number(process.hrtime.bigint()) / 1e6;
    const offsetMs = profileMs - monotonicMs();
    post(session, 'Profiler.start');
    const startMs = monotonicMs();
    const value = await (call ? call.run(fn) : fn());
    const durationMs = monotonicMs() - startMs;
    const { turns, ...awaited } = call?.end() ?? { waits: [], unfollowedWaits: 0, turns: [] };
    const own = call && !all ? { turns: turns.map((ms) => ms + offsetMs), startMs: profileMs } : null;
    call = null;
    const { profile: whole } = post(session, 'Profiler.stop') as { profile: CpuProfile };
    const cpuProfile = toOwnNodes(whole, own);
    const sampleCount = cpuProfile.samples?.length ?? 0;
    const about = { value, durationMs, sampleCount, intervalUs, deoptimized: deoptimize };
    return { ...about, ...sumUp(cpuProfile, top), ...awaited, cpuProfile };
  } finally {
    call?.end();
    if (apart && deoptimize) letFunctionsMerge(session);
    session.disconnect();
  }
}

let users = 0;

/** V8 counts inlined functions for their caller (Node 20 to 24: all of them), so inlining is off meanwhile. */
function keepFunctionsApart(session: Session): void {
  users++;
  if (users === 1 && mayChangeInlining()) for (const flag of INLINING) setFlagsFromString(`--no-${flag}`);
  forgetOptimisedCode(session);
}

function letFunctionsMerge(session: Session): void {
  if (--users > 0 || !mayChangeInlining()) return;
  for (const flag of INLINING) setFlagsFromString(`--${flag}`);
  // Code that was optimised meanwhile is slower than necessary.
  forgetOptimisedCode(session);
}

/** If it was set at the start, it is left alone. */
function mayChangeInlining(): boolean {
  // V8 ends the process if a frozen flag is changed.
  return ![...process.execArgv, process.env.NODE_OPTIONS ?? ''].some((flag) => /inlining|freeze-flags/.test(flag));
}

function openSession(): Session {
  try {
    const inspector = require('node:inspector') as typeof import('node:inspector');
    const session = new inspector.Session();
    session.connect();
    return session;
  } catch (error) {
    // If the thread has no inspector, Node throws a string.
    if (error instanceof Error && (error as NodeJS.ErrnoException).code !== 'ERR_INSPECTOR_NOT_AVAILABLE') throw error;
    throw new Error('evdiag: no profile: this process has no inspector');
  }
}

/** A session of the own thread answers at once. */
function post(session: Session, method: string, params: object = {}): unknown {
  let answer: { error: Error | null; result: unknown } | null = null;
  session.post(method, params, (error, result) => {
    answer = { error, result };
  });
  const { error, result } = answer ?? { error: new Error('no answer'), result: null };
  if (error) throw new Error(`evdiag: no profile: ${method}: ${error.message}`);
  return result;
}

/** V8 misses functions that were optimised before the profile began; turning exact coverage on makes it forget optimised code. */
function forgetOptimisedCode(session: Session): void {
  post(session, 'Profiler.startPreciseCoverage', { detailed: true });
  post(session, 'Profiler.stopPreciseCoverage');
}

/** Stopping ours would reset theirs. */
function measuresCoverage(): boolean {
  const worker = (globalThis as { __vitest_worker__?: { config?: { coverage?: { enabled?: boolean } } } })
    .__vitest_worker__;
  return Boolean(process.env.NODE_V8_COVERAGE) || worker?.config?.coverage?.enabled === true;
}

interface Sum {
  node: Node;
  selfUs: number;
  totalUs: number;
  lines: Map<number, number>;
}

function sumUp(cpuProfile: CpuProfile, top: number): { busyMs: number; functions: ProfiledFunction[] } {
  const selfUs = timeOfNodes(cpuProfile);
  const byId = new Map(cpuProfile.nodes.map((node) => [node.id, node]));
  const sums = new Map<string, Sum>();
  let busyUs = 0;

  /** Children first; a function counts its total only once on a path. Without recursion: stacks may be deep. */
  const below = new Map<number, number>();
  for (const node of [...cpuProfile.nodes].reverse()) {
    const own = selfUs.get(node.id) ?? 0;
    below.set(
      node.id,
      (node.children ?? []).reduce((sum, id) => sum + (below.get(id) ?? 0), own),
    );
    if (!NOT_BUSY.has(node.callFrame.functionName)) busyUs += own;
  }
  const open: { node: Node; path: ReadonlySet<string> }[] = [{ node: cpuProfile.nodes[0]!, path: new Set() }];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, path } = next;
    const key = keyOf(node);
    const sum = sums.get(key) ?? { node, selfUs: 0, totalUs: 0, lines: new Map() };
    sums.set(key, sum);
    sum.selfUs += selfUs.get(node.id) ?? 0;
    if (!path.has(key)) sum.totalUs += below.get(node.id) ?? 0;
    for (const { line, ticks } of node.positionTicks ?? []) sum.lines.set(line, (sum.lines.get(line) ?? 0) + ticks);
    const inside = path.has(key) ? path : new Set([...path, key]);
    for (const id of node.children ?? []) open.push({ node: byId.get(id)!, path: inside });
  }
  const functions = [...sums.values()]
    .filter(({ node, totalUs }) => totalUs > 0 && !NOT_BUSY.has(node.callFrame.functionName))
    .sort((a, b) => b.selfUs - a.selfUs || b.totalUs - a.totalUs);
  return { busyMs: busyUs / 1000, functions: functions.filter(isNotOursSum).slice(0, top).map(describe) };
}

/** Each sample accounts for the time until the next. */
function timeOfNodes({ samples = [], timeDeltas = [], startTime, endTime }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  let now = startTime;
  for (let i = 0; i < samples.length; i++) {
    now += timeDeltas[i] ?? 0;
    const us = Math.max(0, i + 1 < samples.length ? (timeDeltas[i + 1] ?? 0) : endTime - now);
    times.set(samples[i]!, (times.get(samples[i]!) ?? 0) + us);
  }
  return times;
}

function keyOf({ callFrame: { functionName, url, lineNumber, columnNumber } }: Node): string {
  return `${functionName} ${url}:${lineNumber}:${columnNumber}`;
}

function isNotOursSum({ node }: Sum): boolean {
  const { functionName, url } = node.callFrame;
  return url !== 'node:inspector' && isNotOurs([functionName, url, 0, 0]);
}

function describe({ node, selfUs, totalUs, lines }: Sum): ProfiledFunction {
  const { functionName, url, lineNumber, columnNumber } = node.callFrame;
  const frame = toFrame(functionFrame(functionName, url || null, lineNumber + 1, columnNumber + 1));
  const hottest = [...lines].sort(([, a], [, b]) => b - a)[0];
  return {
    function: functionName || '(anonymous)',
    location: frame.line > 0 && url ? toLocation(frame) : null,
    category: frame.category,
    selfMs: selfUs / 1000,
    totalMs: totalUs / 1000,
    // A line has no column: use its first one in the map.
    hottestLine: hottest && url ? toFrame([functionName, url, hottest[0], Number.MAX_SAFE_INTEGER]).line : null,
  };
}
