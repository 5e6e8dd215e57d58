import type { ThreadApi, TraceRequest } from '../../../src/protocol/thread-api.ts';
import { createSensor, guarded } from '../../guard.ts';
import { NativeString, setImmediate, toJson } from '../../primordials.ts';
import type { TraceMemory } from '../../shared-trace.ts';
import { atNextTurn } from '../microtask-turns.ts';
import type { RunningCapture } from './capture.ts';

/** Loaded when it is first used. */
const loadCapture = () => require('./capture.ts') as typeof import('./capture.ts');

const laterOn = setImmediate;
const sensor = createSensor('beginning and ending a capture', true);

interface Options {
  /** Hands the memory to the watchdog. */
  post(memory: TraceMemory): void;
  /** Capturing has begun, or has ended. */
  onCapturing(capturing: boolean): void;
}

/** The part of the agent API that `evdiag trace PID` uses. One capture at a time: a new one ends the previous one. */
export function createTraceApi({ post, onCapturing }: Options): Pick<ThreadApi, 'beginTrace' | 'endTrace'> {
  let wanted: TraceRequest | null = null;
  let running: RunningCapture | null = null;
  let last: RunningCapture | { problem: string } | null = null;

  /** After hooks were removed, Node 20 still calls those of promises until the turn is over, and forever if others are added meanwhile. */
  const onceSettled = (job: () => void): void => void laterOn(guarded(sensor, () => atNextTurn(job))).unref();
  const begin = (request: TraceRequest): void => {
    if (wanted !== request) return;
    try {
      running = loadCapture().startCapture(request, end);
      post(running.memory);
    } catch (error) {
      // In a microtask of ours it would be an unhandled rejection of the program.
      last = { problem: NativeString(error) };
      end();
    }
  };
  const end = (): void => {
    wanted = null;
    const ending = running;
    if (!ending) return;
    running = null;
    last ??= ending;
    ending.close();
    atNextTurn(() => {
      ending.stop();
      onceSettled(() => {
        if (!wanted) onCapturing(false);
      });
    });
  };
  return {
    beginTrace(request) {
      end();
      last = null;
      wanted = request;
      atNextTurn(() => {
        onCapturing(true);
        onceSettled(() => begin(request));
      });
    },
    endTrace() {
      end();
      const answer = toJson(last && 'names' in last ? last.names() : last);
      // It is not kept: the ring has some MB.
      last = null;
      return answer;
    },
  };
}
