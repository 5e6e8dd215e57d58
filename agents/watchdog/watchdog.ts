import { cpus } from 'node:os';
import { isMainThread, parentPort, workerData } from 'node:worker_threads';
import { judge } from '../../src/detectors/judge.ts';
import { recordingFolder } from '../../src/recording/paths.ts';
import {
  type EndRow,
  FORMAT_MAJOR,
  FORMAT_MINOR,
  type Header,
  type Recording,
  type Row,
  type RowType,
} from '../../src/recording/types.ts';
import { openRecording, type RecordingWriter } from '../../src/recording/writer.ts';
import { summarize } from '../../src/report/summary.ts';
import { redactArguments } from '../../src/util/redact.ts';
import { samplers } from '../samplers/index.ts';
import type { RunningSampler, SamplerContext } from '../samplers/types.ts';
import { Sum, WATCHDOG_FINISHED, WATCHDOG_READY, Word } from '../shared-memory.ts';
import { containerLimits } from './container.ts';
import { createLiveLog, printLine } from './live-log.ts';
import { watchSignals } from './signals.ts';
import { createFrameMapper } from './source-maps.ts';
import { createStackCapture } from './stack-capture.ts';
import { createStallWatch } from './stalls.ts';
import { openThreadCpu } from './thread-cpu.ts';
import type { SampleMessage, WatchdogData } from './types.ts';

declare const EVDIAG_VERSION: string;

/** How often the heartbeat is looked at, as a share of the threshold; each look wakes the thread (about 0.2 ms CPU). */
const TICK_SHARE = 0.25;
const TICK_MS = { least: 5, most: 25 };
/** During a silence, closer. */
const CLOSE_TICK_MS = 8;
const READ_INTERVAL_MS = 1000;
/** Rows of one type kept in memory for the summary at exit; the recording on disk has them all. */
const MAX_ROWS_IN_MEMORY = 2000;

function run(data: WatchdogData): void {
  const { shared, settings, histogram } = data;
  const { control } = shared;
  const now = (): number => Number(process.hrtime.bigint()) / 1e6 - data.startMonotonicMs;
  const header = headerOf(data);
  const kept = new Map<RowType, Row[]>();
  let writer: RecordingWriter | null = null;
  let lostInMemory = 0;
  let finished = false;

  const record = (row: Row, atOnce = false): void => {
    if (finished && row.type !== 'end') return;
    const rows = kept.get(row.type) ?? [];
    kept.set(row.type, rows);
    rows.push(row);
    if (rows.length > MAX_ROWS_IN_MEMORY) {
      rows.shift();
      lostInMemory++;
    }
    writer?.write(row, atOnce);
  };
  const fail = (message: string): void => {
    record({ t: now(), type: 'agent-error', message });
    if (!settings.quiet) printLine(`evdiag: ${message}`);
  };

  const folder = recordingFolder(data.family, process.pid);
  try {
    writer = openRecording(folder, header, settings.maxBytes, fail);
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? String(error);
    fail(`no recording: ${folder} cannot be written (${why}); set EVDIAG_OUT to a folder that can`);
  }
  for (const message of data.problems) record({ t: 0, type: 'agent-error', message });

  const mainThread = openThreadCpu(process.pid);
  let mainThreadMs = 0;
  let lastStackCount = 0;
  let lastStackMs = 0;
  const ownThread = openThreadCpu('self');
  let lastOwnCpu = ownThread()?.cpuMs ?? null;
  const tickMs = Math.min(TICK_MS.most, Math.max(TICK_MS.least, settings.slowMs * TICK_SHARE));
  const live = createLiveLog(now);
  const stalls = createStallWatch({
    shared,
    histogram,
    slowMs: settings.slowMs,
    capture: createStackCapture((error) => fail(`no stacks: ${String(error).split('\n')[0]}`)),
    toFrame: createFrameMapper(),
    now,
    mainThread,
    waiting: () => waitingIn(kept.get('active-resources')?.at(-1)),
    onOpen: (row) => record(row, true),
    onLive: (stall) => {
      if (!settings.quiet) live(stall);
    },
    onClose: (row) => record(row, true),
  });

  const context: SamplerContext = {
    histogram,
    addGcMs: () => {},
    heartbeatMaxMs: stalls.heartbeatMaxMs,
    mainThread,
    ownCost() {
      const own = ownThread()?.cpuMs ?? null;
      const stacks = control[Word.StackCount]! - lastStackCount;
      const stackMs = shared.numbers[Sum.StackMs]! - lastStackMs;
      const cost = {
        mainThreadMs: mainThreadMs + stackMs,
        watchdogMs: own !== null && lastOwnCpu !== null ? own - lastOwnCpu : null,
        stacks,
        recordingBytes: writer?.bytesWritten() ?? 0,
      };
      mainThreadMs = 0;
      lastStackCount += stacks;
      lastStackMs += stackMs;
      lastOwnCpu = own;
      return cost;
    },
  };
  const running: RunningSampler[] = samplers
    .filter(({ id, thread }) => thread === 'watchdog' && data.samplers.includes(id))
    .map((sampler) => sampler.start(context));

  const readSamplers = (): void => {
    for (const sampler of running) {
      try {
        const row = sampler.read();
        if (row) record({ ...row, t: now() } as Row);
      } catch (error) {
        fail(String(error).split('\n')[0] ?? '');
      }
    }
    stalls.rebase();
  };

  const finish = (end: Omit<EndRow, 't' | 'type'>): void => {
    if (finished) return;
    stalls.finish(now());
    readSamplers();
    finished = true;
    record({ t: now(), type: 'end', ...end });
    try {
      writer?.close();
      if (!settings.quiet && settings.summary) printSummary(inMemory(), writer ? folder : null);
    } catch (error) {
      printLine(`evdiag: ${String(error).split('\n')[0]}`);
    }
    Atomics.store(control, Word.WatchdogState, WATCHDOG_FINISHED);
    Atomics.notify(control, Word.WatchdogState);
  };

  const inMemory = (): Recording => ({
    header,
    rows: [...kept.values()].flat().sort((a, b) => a.t - b.t),
    durationMs: now(),
    droppedRows: lostInMemory,
    skippedLines: 0,
    truncated: false,
    path: writer ? folder : null,
  });

  parentPort!.on('message', (message: SampleMessage) => {
    mainThreadMs += message.mainThreadMs;
    for (const row of message.rows) record({ ...row, t: now() } as Row);
  });

  let lastReadAt = 0;
  const tick = (): void => {
    if (finished) return;
    const t = now();
    stalls.tick(t, stalls.isOpen() ? Math.min(CLOSE_TICK_MS, tickMs) : tickMs);
    if (Atomics.load(control, Word.Stop) === 1) {
      finish({ reason: 'exit', exitCode: Atomics.load(control, Word.ExitCode), signal: null });
      return;
    }
    // The histogram is not reset while a stall is open: its count is the heartbeat.
    if (t - lastReadAt >= READ_INTERVAL_MS && !stalls.isOpen()) {
      lastReadAt = t;
      readSamplers();
      writer?.flush();
    }
    setTimeout(tick, stalls.isOpen() ? Math.min(CLOSE_TICK_MS, tickMs) : tickMs);
  };

  try {
    watchSignals(shared, (signal) => finish({ reason: 'signal', exitCode: null, signal }));
  } catch (error) {
    record({ t: now(), type: 'agent-error', message: `signals are not heard: ${String(error).split('\n')[0]}` });
  }
  writer?.flush();
  Atomics.store(control, Word.WatchdogState, WATCHDOG_READY);
  Atomics.notify(control, Word.WatchdogState);
  tick();
}

/** Referenced servers, sockets and timers (but one: a lone timer is the work itself): what a blocked loop keeps waiting. */
function waitingIn(row: Row | undefined): number | null {
  if (row?.type !== 'active-resources') return null;
  let waiting = Math.max(0, (row.counts.Timeout ?? 0) - 1);
  for (const [name, count] of Object.entries(row.counts)) {
    if (/^(TCPServerWrap|TCPSocketWrap|TLSWrap|UDPWrap|PipeServerWrap)$/.test(name)) waiting += count;
  }
  return waiting;
}

function headerOf(data: WatchdogData): Header {
  return {
    t: 0,
    type: 'header',
    format: 'evdiag-recording',
    major: FORMAT_MAJOR,
    minor: FORMAT_MINOR,
    evdiagVersion: EVDIAG_VERSION,
    nodeVersion: process.version,
    v8Version: process.versions.v8,
    libuvVersion: process.versions.uv,
    pid: process.pid,
    parentPid: data.parentPid,
    threadId: 0,
    argv: redactArguments(data.argv),
    startedAt: new Date(data.startedAtMs).toISOString(),
    startMonotonicMs: data.startMonotonicMs,
    level: data.settings.level,
    slowMs: data.settings.slowMs,
    samplers: data.samplers,
    platform: process.platform,
    arch: process.arch,
    cpuCount: cpus().length,
    ...containerLimits(),
  };
}

function printSummary(recording: Recording, path: string | null): void {
  for (const line of summarize(judge(recording), recording, { path })) printLine(line);
}

if (!isMainThread && parentPort) run(workerData as WatchdogData);
