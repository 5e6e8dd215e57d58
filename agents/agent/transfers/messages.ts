/**
 * Measures how long the thread takes to send messages to other threads (structured clone) and to other processes (JSON, or the
 * serializer of V8): all of it happens within the call. Only those that take long are looked at.
 */
import { builtIn } from '../../built-in.ts';
import { createSensor, isOff } from '../../guard.ts';
import {
  apply,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  max,
  monotonicMs,
  process,
  round,
} from '../../primordials.ts';
import type { RawMessageUse } from '../../tracked.ts';
import { onceLoaded } from '../built-ins.ts';
import { replaceUntilLeft } from '../leaving.ts';
import type { NodeInternals } from '../node-internals.ts';
import { activeHandles } from '../open-resources.ts';
import { type AnyFunction, like, replace } from '../replace.ts';
import { messageBytes } from './message-bytes.ts';
import { newTally, Places, reset, scaleOf, type Tally } from './places.ts';

/** A message of a few kB takes a hundredth of that. */
const LONG_MS = 1;
const MAX_REPORTED = 10;
/** In one interval, of all places: each took a millisecond, and looking at it takes a tenth of that. */
const MAX_LOOKED = 50;

type CallName = RawMessageUse['call'];
type Holder = Record<string, unknown>;
type Figures = Omit<RawMessageUse, 'frames'>;

export class Messages {
  readonly #sensor = createSensor('the watch over long messages');
  readonly #places = new Places<Figures>(noFigures);
  readonly #tallies: Record<CallName, Tally> = { postMessage: newTally(), send: newTally() };
  #isOn = true;

  constructor(internals: NodeInternals | null) {
    const { MessagePort } = builtIn<typeof import('node:worker_threads')>('worker_threads')!;
    this.#wrap(MessagePort.prototype as unknown as Holder, 'postMessage', 'postMessage', replaceUntilLeft);
    this.#wrap(process as unknown as Holder, 'send', 'send', replaceUntilLeft);
    onceLoaded(internals, 'child_process', (module) => this.#followChildren(module));
  }

  follow(share: number): void {
    this.#isOn = share > 0 && !isOff(this.#sensor);
    this.#places.setBudget(share);
  }

  spent(): number {
    return this.#places.sampling.spent();
  }

  read(intervalMs: number): RawMessageUse[] {
    this.#places.sampling.adapt(intervalMs);
    const messages: RawMessageUse[] = [];
    for (const { frames, figures } of this.#places.take()) {
      if (figures.count === 0) continue;
      const scale = scaleOf(this.#tallies[figures.call]);
      const { count, bytes, ms, ...rest } = figures;
      const all = { count: round(count * scale), bytes: round(bytes * scale), ms: ms * scale };
      messages[messages.length] = { ...rest, ...all, frames };
    }
    reset([this.#tallies.postMessage, this.#tallies.send]);
    return messages.sort((a, b) => b.ms - a.ms).slice(0, MAX_REPORTED);
  }

  /** A child gets its `send` when it is started. */
  #followChildren({ ChildProcess }: Holder): void {
    const children = (ChildProcess as { prototype: Holder }).prototype;
    const original = children.spawn as AnyFunction;
    const sensor = this.#sensor;
    const onStarted = (child: Holder): void => this.#wrap(child, 'send', 'send', replace);
    const wrapper = like(original, function markedCall(this: unknown): unknown {
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      const result = apply(original, this, arguments);
      try {
        if (!isOff(sensor)) onStarted(this as Holder);
      } catch (error) {
        sensor.caught = { error };
      }
      return result;
    });
    replaceUntilLeft(children, 'spawn', original, wrapper);
    // Those that the program has started before: what counts is loaded later.
    const handles = activeHandles?.() ?? [];
    for (let i = 0; i < handles.length; i++)
      if (getPrototypeOf(handles[i]!) === children) this.#wrap(handles[i] as Holder, 'send', 'send', replaceUntilLeft);
  }

  #wrap(holder: Holder, name: string, call: CallName, put: typeof replace): void {
    const original = getOwnPropertyDescriptor(holder, name)?.value as AnyFunction | undefined;
    if (typeof original !== 'function') return;
    const isOn = (): boolean => this.#isOn && !isOff(this.#sensor);
    const sensor = this.#sensor;
    const note = (ms: number, message: unknown): void => this.#note(call, ms, message, wrapper);
    const wrapper: AnyFunction = like(original, function markedCall(this: unknown, message: unknown): unknown {
      const from = monotonicMs();
      // biome-ignore lint/complexity/noArguments: V8 hands them on without making a list
      const result = apply(original, this, arguments);
      try {
        const ms = monotonicMs() - from;
        if (ms >= LONG_MS && isOn()) note(ms, message);
      } catch (error) {
        sensor.caught = { error };
      }
      return result;
    });
    put(holder, name, original, wrapper);
  }

  #note(call: CallName, ms: number, message: unknown, wrapper: AnyFunction): void {
    const tally = this.#tallies[call];
    tally.calls++;
    if (tally.seen >= MAX_LOOKED) return;
    tally.seen++;
    this.#places.sampling.spend(() => {
      const place = this.#places.here(call, wrapper);
      if (!place) return;
      const { figures } = place;
      const bytes = messageBytes(message);
      figures.call = call;
      figures.count++;
      figures.bytes += bytes;
      figures.ms += ms;
      figures.maxMs = max(figures.maxMs, ms);
      figures.maxBytes = max(figures.maxBytes, round(bytes));
    });
  }
}

function noFigures(): Figures {
  return { call: 'postMessage', count: 0, bytes: 0, ms: 0, maxMs: 0, maxBytes: 0 };
}
