import { getPrototypeOf, NativeRangeError } from './primordials.ts';
/**
 * A part of the agent in the observed thread that switches itself off when its code throws: a program may delete or replace
 * anything that the agent uses. From then on its hooks do nothing and its wrappers pass on, and it is reported once.
 *
 * An entry, which the program or Node calls, is written so that nothing is called in the catch block: there may be no
 * room on the stack for it.
 *
 *     try {
 *       if (isOff(sensor)) return;
 *       …
 *     } catch (error) {
 *       sensor.caught = { error };
 *     }
 */
export interface Sensor {
  off: boolean;
  readonly name: string;
  caught: { error: unknown } | null;
  reported: boolean;
  /** It goes on even if it has thrown: a timer that others depend on. */
  readonly goesOn: boolean;
}

const { prototype: overflow } = NativeRangeError;

const sensors: Sensor[] = [];

export function createSensor(name: string, goesOn = false): Sensor {
  const sensor: Sensor = { off: false, name, caught: null, reported: false, goesOn };
  sensors[sensors.length] = sensor;
  return sensor;
}

/** For code whose failures are not reported. */
export const unasked: Sensor = { off: false, name: '', caught: null, reported: false, goesOn: true };

/** Whether it has failed. Call it inside the `try` of an entry. */
export function isOff(sensor: Sensor): boolean {
  return sensor.off || (sensor.caught !== null && judge(sensor));
}

/** What passes is no failure, and the sensor goes on: a stack that the program's own recursion filled, a process without descriptors for a moment. */
function judge(sensor: Sensor): boolean {
  if (sensor.goesOn) return false;
  const { error } = sensor.caught!;
  if (isPassing(error)) sensor.caught = null;
  else sensor.off = true;
  return sensor.off;
}

function isPassing(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false;
  if (getPrototypeOf(error) === overflow) return true;
  const { code } = error as { code?: unknown };
  return code === 'EMFILE' || code === 'ENFILE' || code === 'ENOMEM' || code === 'EAGAIN';
}

/** The agent leaves: what the program still holds of it only passes on. */
export function leaveSensors(): void {
  for (let i = 0; i < sensors.length; i++) sensors[i]!.off = true;
}

/** An entry that is not on a hot path. */
export function guarded<A, B, C>(sensor: Sensor, entry: (a: A, b: B, c: C) => void): (a?: A, b?: B, c?: C) => void {
  return (a, b, c) => {
    try {
      if (isOff(sensor)) return;
      entry(a as A, b as B, c as C);
    } catch (error) {
      sensor.caught = { error };
    }
  };
}

/** Runs the job, whatever the state of the sensor: for code that undoes its work. */
export function attempt(sensor: Sensor, job: () => void): void {
  try {
    job();
  } catch (error) {
    sensor.caught ??= { error };
  }
}

/** What has failed since the last call, each sensor once. */
export function failures(): string[] {
  const reported: string[] = [];
  for (let i = 0; i < sensors.length; i++) {
    const sensor = sensors[i]!;
    if (sensor.reported || sensor.caught === null) continue;
    if (!isOff(sensor) && (!sensor.goesOn || isPassing(sensor.caught.error))) continue;
    sensor.reported = true;
    const message = messageOf(sensor.caught.error);
    reported[reported.length] = `${sensor.name} failed${sensor.goesOn ? '' : ' and is switched off'}: ${message}`;
  }
  return reported;
}

const MESSAGE_LIMIT = 200;

/** The first line of an error's message, or of whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    const isObject = typeof error === 'object' && error !== null;
    const message = isObject ? (error as { message?: unknown }).message : error;
    const text = typeof message === 'string' ? message : `${message}`;
    // Without a string method, which may be the part that failed.
    let line = '';
    for (let i = 0; i < text.length && i < MESSAGE_LIMIT && text[i] !== '\n'; i++) line += text[i];
    return line;
  } catch {
    return 'something that has no message';
  }
}
