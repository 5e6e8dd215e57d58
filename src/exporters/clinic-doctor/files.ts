/**
 * A recording as clinic doctor collects it (https://github.com/clinicjs/node-clinic-doctor): `-systeminfo` (JSON), `-processstat`
 * (samples) and `-traceevent` (collections, as V8 traces them). `recording/foreign/clinic-doctor.ts` reads them.
 */
import type { Header, Recording } from '../../recording/types.ts';
import { InputError } from '../../util/input-error.ts';
import { toJson } from '../../util/text.ts';
import { collectionEvents } from './collections.ts';
import { encodeSamples } from './protobuf.ts';
import { samplesOf } from './samples.ts';

export interface DoctorFolder {
  /** Name of the folder: ID.clinic-doctor. */
  name: string;
  files: { name: string; content: string | Uint8Array }[];
  sampleCount: number;
}

/** Throws InputError if there is too little in the recording. */
export function doctorFolder(recording: Recording): DoctorFolder {
  const { header } = recording;
  const samples = samplesOf(recording);
  if (samples.length < 2) {
    throw new InputError('The recording is too short for clinic doctor: it needs a few seconds of samples.');
  }
  const name = `${header.pid}.clinic-doctor`;
  const startUnixMs = Date.parse(header.startedAt);
  return {
    name,
    files: [
      { name: `${name}-systeminfo`, content: systemInfo(header, startUnixMs) },
      { name: `${name}-processstat`, content: encodeSamples(samples, startUnixMs) },
      { name: `${name}-traceevent`, content: traceEvents(recording) },
    ],
    sampleCount: samples.length,
  };
}

/** Both clocks at the start, by which the times of the trace are placed. */
function systemInfo(header: Header, unixtime: number): string {
  const { startMonotonicMs, nodeVersion, v8Version, libuvVersion, evdiagVersion } = header;
  const seconds = Math.floor(startMonotonicMs / 1000);
  const hrtime = [seconds, Math.round((startMonotonicMs - seconds * 1000) * 1e6)];
  const nodeVersions = { node: nodeVersion.replace(/^v/, ''), v8: v8Version, uv: libuvVersion };
  return `${toJson({ clock: { hrtime, unixtime }, nodeVersions, toolVersion: `evdiag ${evdiagVersion}` })}\n`;
}

function traceEvents(recording: Recording): string {
  const { pid, startMonotonicMs, nodeVersion, platform, arch } = recording.header;
  const common = { pid, tid: pid };
  const process = { platform, arch, versions: { node: nodeVersion } };
  const events = [
    { ...common, name: 'node', ph: 'M', cat: '__metadata', ts: 0, args: { process } },
    { ...common, name: 'thread_name', ph: 'M', cat: '__metadata', ts: 0, args: { name: 'JavaScriptMainThread' } },
    ...collectionEvents(recording).map(({ name, startMs, durationMs }) => {
      const ts = Math.round((startMonotonicMs + startMs) * 1000);
      return { ...common, name, ph: 'X', cat: 'v8', ts, dur: Math.round(durationMs * 1000), args: {} };
    }),
  ];
  return `{"traceEvents":[\n${events.map((event) => JSON.stringify(event)).join(',\n')}\n]}\n`;
}
