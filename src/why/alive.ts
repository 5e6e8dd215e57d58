import type { AliveKind, AliveThings, WhyThreadPart } from '../protocol/why-parts.ts';
import { fileAndLine, packageNameOf, toLocation } from '../recording/places.ts';
import type { Frame, Location } from '../recording/types.ts';

/** Of what runs between the line and the thing. */
const MAX_THROUGH = 4;

/** Things of one kind, made at one place, that keep a thread alive. */
export interface Alive {
  kind: AliveKind;
  /** In words: "server on 127.0.0.1:8080". */
  what: string;
  count: number;
  /** Since the oldest was made; null where that is not known. */
  ageMs: number | null;
  /** The line of the program; null where none is known. */
  line: Location | null;
  /** 'made': it made the thing; 'led': it started, in an earlier turn, what made it; 'calls': the thing calls it. */
  lineIs: 'made' | 'led' | 'calls' | null;
  /** The npm package that made it, or that it calls; null if none. */
  package: string | null;
  /** Lines of packages between the thing and the line, the nearest to the thing first. */
  through: Location[];
  /** What it calls, in the program and in packages. */
  calls: { event: string; location: Location }[];
  /** What to change; null where it ends by itself. */
  remedy: string | null;
}

export interface WhyThread extends Omit<WhyThreadPart, 'part' | 'things' | 'stack'> {
  /** What it runs now; null if that is nothing of the program. */
  runs: Location | null;
  alive: Alive[];
}

export function whyThread({ things, stack, part: _, ...rest }: WhyThreadPart): WhyThread {
  const running = rest.state === 'running' ? stack.find(isApplication) : undefined;
  return { ...rest, runs: running ? toLocation(running) : null, alive: together(things.map(aliveOf)) };
}

function aliveOf({ kind, what, count, ageMs, made, steps, calls }: AliveThings<Frame>): Alive {
  const { place, lineIs, before } = lineOf(made, steps, calls);
  const through = distinct(before.filter(isDependency)).slice(0, MAX_THROUGH);
  const owner =
    through[0] ?? (place && lineIs !== 'calls' ? undefined : calls.find((one) => isDependency(one.place))?.place);
  const packageName = owner ? packageNameOf(owner.file) : null;
  return {
    ...{ kind, what, count, ageMs, lineIs },
    line: place ? toLocation(place) : null,
    package: packageName,
    through: through.map(toLocation),
    calls: calls.map(({ event, place: at }) => ({ event, location: toLocation(at) })),
    remedy: remedyOf(kind, what, packageName),
  };
}

interface Line {
  place: Frame | null;
  lineIs: Alive['lineIs'];
  /** Frames between the thing and that line. */
  before: Frame[];
}

function lineOf(made: readonly Frame[], steps: readonly Frame[][], calls: AliveThings<Frame>['calls']): Line {
  const before: Frame[] = [];
  for (const [i, frames] of [made, ...steps].entries()) {
    for (const frame of frames) {
      if (isApplication(frame)) return { place: frame, lineIs: i === 0 ? 'made' : 'led', before };
      before.push(frame);
    }
  }
  const called = calls.find(({ place }) => isApplication(place));
  return { place: called?.place ?? null, lineIs: called ? 'calls' : null, before };
}

function isApplication({ category }: Frame): boolean {
  return category === 'application';
}

function isDependency({ category }: Frame): boolean {
  return category === 'dependency';
}

/** One line of each function. */
function distinct(frames: readonly Frame[]): Frame[] {
  const seen = new Set<string>();
  return frames.filter(({ file, function: name }) => {
    const key = `${file} ${name}`;
    return !seen.has(key) && seen.add(key);
  });
}

/** They may differ in how they came about, which makes no difference to who reads it. */
function together(all: readonly Alive[]): Alive[] {
  const groups = new Map<string, Alive>();
  for (const one of all) {
    const { kind, what, line, lineIs } = one;
    const key = `${kind} ${what} ${lineIs} ${line ? fileAndLine(line) : one.calls.map(({ location }) => fileAndLine(location)).join()}`;
    const known = groups.get(key);
    if (!known) groups.set(key, { ...one });
    else {
      known.count += one.count;
      if (one.ageMs !== null) known.ageMs = Math.max(known.ageMs ?? 0, one.ageMs);
    }
  }
  return [...groups.values()].sort((a, b) => b.count - a.count);
}

const REMEDIES: Record<AliveKind, string | null> = {
  timer: 'Clear it with clearTimeout, or call unref() on it.',
  server: 'Call close() on it.',
  connection: 'Close the server with closeAllConnections(), and end each answer.',
  socket: 'Call end() or destroy() on it.',
  'udp-socket': 'Call close() or unref() on it.',
  pipe: null,
  stdin: 'Call process.stdin.pause() or unref(), or close the readline interface.',
  'child-process': 'Kill it, or call unref() on it (and disconnect() after a fork).',
  worker: 'Call terminate() or unref() on it.',
  'message-port': 'Call close() or unref() on it.',
  watcher: 'Call close() on it.',
  request: null,
  other: null,
};

function remedyOf(kind: AliveKind, what: string, packageName: string | null): string | null {
  if (packageName !== null && (kind === 'socket' || kind === 'udp-socket' || kind === 'timer'))
    return `Close or end what ${packageName} gave you (a client, a pool, a connection).`;
  if (kind === 'timer' && what.startsWith('interval')) return 'Clear it with clearInterval, or call unref() on it.';
  return REMEDIES[kind];
}
