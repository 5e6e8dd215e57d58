/** Metrics for Prometheus, which the watchdog serves while the main thread is blocked as well. Loaded only if EVDIAG_METRICS is set. */
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import type { Row } from '../../../src/recording/types.ts';
import type { DelayHistogram } from '../../samplers/types.ts';
import { addressText, type MetricsAddress, readAddress } from './address.ts';
import { collections } from './collectors/collections.ts';
import { Findings } from './collectors/findings.ts';
import { loop } from './collectors/loop.ts';
import { memory } from './collectors/memory.ts';
import { ownCost } from './collectors/own-cost.ts';
import { processFigures } from './collectors/process-figures.ts';
import { resources } from './collectors/resources.ts';
import { stalls } from './collectors/stalls.ts';
import { exposition } from './exposition.ts';
import { MetricsServer } from './server.ts';
import type { Collector, MetricsSource } from './types.ts';

/** A scrape waits this long for findings that are being judged; then it has those of before. */
const PATIENCE_MS = 1000;
/** In the folder of the family: one of its processes has said that the port is taken. */
const SAID_FILE = '.metrics-port-taken';

export interface MetricsOptions extends MetricsSource {
  /** The setting. */
  text: string;
  family: string;
  /** Runs what touches the disk; returns undefined where that may not be. */
  onStorage<T>(act: () => T): T | undefined;
  /** Says it on stderr, and in the recording. */
  complain(message: string): void;
  /** Says where a port that was chosen by the system is. */
  announce(message: string): void;
}

export interface Metrics {
  onRow(threadId: number, row: Row): void;
  onBeats(histogram: DelayHistogram): void;
  close(): void;
}

/** Null if the setting says so, or cannot be read: then that is reported. */
export function startMetrics(options: MetricsOptions): Metrics | null {
  const address = readAddress(options.text);
  if (typeof address === 'string') options.complain(address);
  if (address === null || typeof address === 'string') return null;
  const findings = new Findings(options);
  const collectors: Collector[] = [
    loop(options),
    stalls(options),
    findings,
    memory(),
    collections(),
    resources(options),
    processFigures(options),
    ownCost(),
  ];
  const server = new MetricsServer({
    address,
    async text() {
      await withinPatience(findings.update());
      return exposition(collectors.flatMap((collector) => attempt(() => collector.read()) ?? []));
    },
    onListening(port) {
      if (address.firstPort === 0) options.announce(`metrics are at ${addressText(address, port)}`);
    },
    onFailure(error) {
      if (error.code === 'EADDRINUSE' && options.onStorage(() => isFirstToSay(options.family)) === false) return;
      options.complain(failureText(address, error));
    },
  });
  return {
    onRow(threadId, row) {
      for (const collector of collectors) attempt(() => collector.onRow?.(row, threadId));
    },
    onBeats(histogram) {
      for (const collector of collectors) attempt(() => collector.onBeats?.(histogram));
    },
    close: () => server.close(),
  };
}

function withinPatience(done: Promise<void>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, PATIENCE_MS);
    const over = (): void => {
      clearTimeout(timer);
      resolve();
    };
    done.then(over, over);
  });
}

function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    // One subject without figures is better than none of all.
    return null;
  }
}

function failureText({ host, firstPort, lastPort }: MetricsAddress, error: NodeJS.ErrnoException): string {
  const ports = firstPort === lastPort ? `port ${firstPort}` : `ports ${firstPort} to ${lastPort}`;
  const begin = `process ${process.pid} serves no metrics`;
  switch (error.code) {
    case 'EADDRINUSE':
      return `${begin}: ${ports} on ${host} ${firstPort === lastPort ? 'is' : 'are'} taken; a range such as EVDIAG_METRICS=${firstPort}-${Math.max(lastPort, firstPort) + 7} gives each process one`;
    case 'EACCES':
      return `${begin}: ${ports} on ${host} may not be opened by this user`;
    case 'EADDRNOTAVAIL':
      return `${begin}: this machine has no address ${host}`;
    case 'ERR_ACCESS_DENIED':
      return `${begin}: the permission model forbids the network; add --allow-net`;
    default:
      return `${begin}: ${String(error.message).split('\n')[0]}`;
  }
}

/** The processes that a program starts inherit the setting: one of the family says so, not each. */
function isFirstToSay(family: string): boolean {
  try {
    closeSync(openSync(join(family, SAID_FILE), 'wx', 0o600));
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EEXIST';
  }
}
