/** The preload of `evdiag startup`: V8's profiler from the first module on, until the program waits. It does not load the agent. */
import { renameSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { isMainThread } from 'node:worker_threads';
import type { MeasuredStartup } from '../../src/protocol/measured-startup.ts';
import {
  clearInterval,
  monotonicMs,
  NativeMap,
  NativeNumber,
  performance,
  process,
  setInterval,
  stringify,
} from '../primordials.ts';

/** Between two samples, in µs: a module that takes less is seen by chance. */
const INTERVAL_US = 200;
/**
 * The program has started when it did nearly nothing for so long: each time, the loop has received so few events, and the process has used so
 * little CPU time, which the profiler needs itself. The loop's utilization does not show it: the profiler's signals wake an idle loop.
 */
const SETTLED = { ms: 1000, everyMs: 100, events: 2, cpuMs: 20, cpuShare: 0.1 };
/** A program that never does is measured for so long. */
const MOST_MS = 30_000;
/** Modules whose importer is noted. */
const MAX_IMPORTS = 20_000;

const startTimer = setInterval;
const stopTimer = clearInterval;

interface Hooks {
  registerHooks?(hooks: {
    resolve(
      specifier: string,
      context: { parentURL?: string },
      next: (specifier: string, context: object) => { url: string },
    ): { url: string };
  }): unknown;
}

function begin(folder: string, mostMs: number): void {
  const session = new Session();
  session.connect();
  const importedBy = noteImports();
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  session.post('Profiler.start');
  writeFileSync(`${folder}/${process.pid}.started`, '');
  let over = false;
  const finish = (reason: MeasuredStartup['reason'], untilMs: number): void => {
    if (over) return;
    over = true;
    stopTimer(timer);
    session.post('Profiler.stop', (_error, result) => {
      const measured: MeasuredStartup = {
        pid: process.pid,
        argv: process.argv,
        nodeVersion: process.version,
        reason,
        untilMs,
        preload: __filename,
        profile: result.profile,
        importedBy: [...importedBy],
      };
      // Whoever waits for it sees it when it is complete.
      writeFileSync(`${folder}/${process.pid}.part`, stringify(measured), { mode: 0o600 });
      renameSync(`${folder}/${process.pid}.part`, `${folder}/${process.pid}.json`);
    });
    session.disconnect();
  };
  const attempt: OnReason = (reason, untilMs) => {
    try {
      finish(reason, untilMs);
    } catch {
      // The folder has gone: nobody waits for it.
    }
  };
  const timer = startTimer(settled(mostMs, attempt), SETTLED.everyMs).unref();
  process.once('exit', () => attempt('exit', monotonicMs()));
}

type OnReason = (reason: MeasuredStartup['reason'], untilMs: number) => void;

function settled(mostMs: number, onReason: OnReason): () => void {
  let last = activity();
  let busyAt = last.ms;
  return () => {
    const now = activity();
    const most = SETTLED.cpuMs + (now.ms - last.ms) * SETTLED.cpuShare;
    if (now.events - last.events > SETTLED.events || now.cpuMs - last.cpuMs > most) busyAt = now.ms;
    last = now;
    if (now.ms >= (mostMs || MOST_MS)) onReason('time', now.ms);
    else if (mostMs === 0 && now.ms - busyAt >= SETTLED.ms) onReason('waits', busyAt);
  };
}

/** Events that the loop has received: Node 20.18, 22.8 and later; before, CPU time decides alone. */
function activity(): { ms: number; events: number; cpuMs: number } {
  const { uvMetricsInfo } = performance.nodeTiming as unknown as { uvMetricsInfo?: { events: number } };
  const { user, system } = process.cpuUsage();
  return { ms: monotonicMs(), events: uvMetricsInfo?.events ?? 0, cpuMs: (user + system) / 1000 };
}

/** Who imported a module first. V8 runs imported modules one after the other, so that their stacks do not show it. Node 22.15 and later. */
function noteImports(): Map<string, string> {
  const importedBy = new NativeMap<string, string>();
  const { registerHooks } = require('node:module') as Hooks;
  registerHooks?.({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context);
      const { parentURL } = context;
      if (parentURL && importedBy.size < MAX_IMPORTS && !importedBy.has(resolved.url)) {
        importedBy.set(resolved.url, parentURL);
      }
      return resolved;
    },
  });
  return importedBy;
}

const { EVDIAG_STARTUP: folder, EVDIAG_STARTUP_MS: most } = process.env;
if (isMainThread && folder) {
  try {
    begin(folder, NativeNumber(most) || 0);
  } catch {
    // Without an inspector, or without the folder, the program runs as it would.
  }
}
