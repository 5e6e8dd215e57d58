/**
 * Reads what clinic doctor collected (https://github.com/clinicjs/node-clinic-doctor): a folder `ID.clinic-doctor` with
 * `-systeminfo` (JSON), `-processstat` (samples) and `-traceevent` (what V8 traced) in it.
 */

import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readRegular } from '../../util/regular-file.ts';
import { SLOW_MS } from '../defaults.ts';
import { accessError, InputError } from '../input-error.ts';
import { FORMAT_MAJOR, FORMAT_MINOR, type Header, type Recording } from '../types.ts';
import { isObject } from '../validate.ts';
import { type Trace, traceOf } from './collections.ts';
import { secondsOf } from './doctor-rows.ts';
import { processStatsOf } from './process-stats.ts';

const SUFFIX = '.clinic-doctor';
const MAX_INFO_BYTES = 1 << 20;
const AGAIN = 'Collect it again: clinic doctor --collect-only -- node app.js';

/** The folder of clinic doctor that the path means: the path itself, the folder of a file, or the newest folder in it; null if there is none. */
export function clinicDoctorFolder(path: string): string | null {
  const isFolder = /\.clinic-doctor$/;
  if (isFolder.test(path)) return path;
  if (isFolder.test(dirname(path)) && basename(path).includes(`${SUFFIX}-`)) return dirname(path);
  const folders = namesIn(path).filter((name) => isFolder.test(name));
  const byAge = folders.map((name) => ({ name, ms: modifiedMs(join(path, name)) })).sort((a, b) => b.ms - a.ms);
  return byAge[0] ? join(path, byAge[0].name) : null;
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Throws InputError. */
export function readClinicDoctor(folder: string): Recording {
  const id = basename(folder, SUFFIX);
  const file = (what: string): string => join(folder, `${id}${SUFFIX}-${what}`);
  const info = readInfo(file('systeminfo'));
  const trace = tryTrace(file('traceevent'));
  let truncated = trace?.truncated ?? false;
  const stats = processStatsOf(file('processstat'), (isCut) => {
    truncated ||= isCut;
  });
  const { rows, damaged } = secondsOf(stats, trace?.collections ?? null, { ...info, slowMs: SLOW_MS });
  if (rows.length === 0) throw new InputError(`"${folder}" holds no sample of clinic doctor. ${AGAIN}`);
  return {
    header: headerOf(id, info, trace),
    rows,
    durationMs: rows.at(-1)!.t,
    droppedRows: 0,
    skippedLines: damaged,
    truncated,
    path: folder,
    foreign: 'clinic doctor',
  };
}

interface Info {
  /** The same moment on both clocks, in ms. */
  unixMs: number;
  monotonicMs: number;
  versions: Record<string, unknown>;
  toolVersion: string;
}

function readInfo(file: string): Info {
  const info = parse(readSmall(file), file);
  const clock = isObject(info.clock) ? info.clock : {};
  const [seconds, nanoseconds] = Array.isArray(clock.hrtime) ? clock.hrtime : [];
  const unixMs = clock.unixtime;
  const monotonicMs = Number(seconds) * 1e3 + Number(nanoseconds) * 1e-6;
  // A later Date has no text.
  if (typeof unixMs !== 'number' || !(Math.abs(unixMs) < 8e15) || !Number.isFinite(monotonicMs)) {
    throw new InputError(`"${file}" is damaged: it has no times. ${AGAIN}`);
  }
  const versions = isObject(info.nodeVersions) ? info.nodeVersions : {};
  return { unixMs, monotonicMs, versions, toolVersion: text(info.toolVersion) };
}

function readSmall(file: string): string {
  try {
    const bytes = readRegular(file, MAX_INFO_BYTES);
    if (bytes) return bytes.toString('utf8');
  } catch (error) {
    throw accessError(error, file);
  }
  throw new InputError(`"${file}" is not what clinic doctor writes. ${AGAIN}`);
}

function parse(content: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content);
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new InputError(`"${file}" is damaged: it is not a JSON object. ${AGAIN}`);
}

/** Null if there is none: V8 writes it at the end. */
function tryTrace(file: string): Trace | null {
  try {
    return traceOf(file);
  } catch (error) {
    if (error instanceof InputError) return null;
    throw error;
  }
}

function headerOf(id: string, { unixMs, monotonicMs, versions, toolVersion }: Info, trace: Trace | null): Header {
  const version = `clinic doctor ${toolVersion}`;
  return {
    t: 0,
    type: 'header',
    format: 'evdiag-recording',
    major: FORMAT_MAJOR,
    minor: FORMAT_MINOR,
    evdiagVersion: version,
    nodeVersion: text(versions.node),
    v8Version: text(versions.v8),
    libuvVersion: text(versions.uv),
    pid: trace?.pid ?? (Number.parseInt(id, 10) || 0),
    parentPid: 0,
    threadId: 0,
    argv: [`${id}${SUFFIX}`],
    startedAt: new Date(unixMs).toISOString(),
    startMonotonicMs: monotonicMs,
    level: 'watch',
    slowMs: SLOW_MS,
    samplers: ['active-resources', 'cpu', 'event-loop-delay', 'memory', ...(trace ? ['gc'] : [])],
    platform: text(trace?.node.platform),
    arch: text(trace?.node.arch),
    // It does not say on how many.
    cpuCount: 0,
    containerCpus: null,
    containerMemoryBytes: null,
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '?';
}
