import { toLocation } from '../../src/recording/places.ts';
import type { Frame, WaitingGroup, WaitsRow } from '../../src/recording/types.ts';
import type { RawFrame } from '../shared-memory.ts';
import type { RawWaiting } from '../tracked.ts';
import { awaitedTexts } from './source-text.ts';

/** Who waits for whom, with places in the original sources; each frame once. */
export function waitsRow(
  waiting: readonly RawWaiting[],
  trackedMs: number,
  toFrame: (raw: RawFrame) => Frame,
): Omit<WaitsRow, 't' | 'pools'> {
  const frames: Frame[] = [];
  const indexes = new Map<string, number>();
  const indexOf = (frame: Frame): number => {
    const key = `${frame.file}:${frame.line}:${frame.column} ${frame.function}`;
    const index = indexes.get(key) ?? frames.push(frame) - 1;
    indexes.set(key, index);
    return index;
  };
  const groups = waiting.map(
    ({ count, estimated, oldestMs, frames: raw, made }): WaitingGroup => ({
      ...{ count, oldestMs, ...(estimated && { estimated }) },
      chain: raw.map(toFrame).filter(isProgram).map(indexOf),
      made: made && { what: made.what, type: made.type, ...madeAt(made.frames.map(toFrame)) },
    }),
  );
  const codes = frames.map((frame) => awaitedTexts(frame)?.code ?? '');
  return { type: 'waits', trackedMs, frames, codes, groups };
}

function madeAt(frames: readonly Frame[]): Pick<NonNullable<WaitingGroup['made']>, 'at' | 'via'> {
  const first = frames.findIndex(isProgram);
  const above = first < 0 ? frames : frames.slice(0, first);
  return { via: viaOf(above), at: frames[first] ? toLocation(frames[first]) : null };
}

export function isProgram({ category }: Frame): boolean {
  return category === 'application' || category === 'dependency';
}

/** Node's modules that identify the operation, by a part of their name; the first match counts. */
const MODULES: readonly [part: RegExp, name: string][] = [
  [/undici|exposed-window-or-worker/, 'fetch'],
  [/_http_server/, 'http-server'],
  [/http2/, 'http2'],
  [/https?(_|$)|_http_/, 'http'],
  [/tls/, 'tls'],
  [/dns/, 'dns'],
  [/dgram/, 'dgram'],
  [/:net$|\/net$/, 'net'],
  [/fs(\/|$)/, 'fs'],
  [/child_process/, 'child_process'],
  [/worker/, 'worker'],
  [/timers/, 'timers'],
  [/streams?(\/|$)|webstreams/, 'streams'],
  [/readline/, 'readline'],
  [/abort_controller/, 'abort'],
  [/events|event_target/, 'events'],
];

/** For frames above the program's. */
export function viaOf(frames: readonly Frame[]): string[] {
  return [...new Set(frames.map(moduleOf).filter((name) => name !== null))];
}

function moduleOf({ category, file }: Frame): string | null {
  if (category !== 'node') return null;
  return MODULES.find(([part]) => part.test(file))?.[1] ?? null;
}
