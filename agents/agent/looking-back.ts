import { createSensor, guarded } from '../guard.ts';
import { load, min, monotonicMs, process, setImmediate, store } from '../primordials.ts';
import { OWN_WORK, Word } from '../shared-memory.ts';
import type { RawTracked } from '../tracked.ts';
import type { SampleMessage } from '../watchdog/types.ts';
import { atNextTurn } from './microtask-turns.ts';
import { isStackEmpty } from './stack.ts';
import type { SuspendedCalls } from './suspended-calls.ts';

const laterOn = setImmediate;
const processCpu = process.cpuUsage.bind(process);

/** Some 9 ms per MB: a program that has failed anyway may end half a second later, to say why. */
const MOST_AT_END_BYTES = 64e6;

/** Loaded with the first look into the heap. */
const loadSuspendedCalls = () => require('./suspended-calls.ts') as typeof import('./suspended-calls.ts');

export interface LookingBackOptions {
  control: Int32Array;
  /** What is followed, as of now. */
  unfinished(): Pick<SampleMessage, 'rows' | 'tracked'>;
  post(part: Partial<SampleMessage>): void;
}

/** Reports what is unfinished at this moment, when nothing of the program runs. */
export function createLookingBack({ control, unfinished, post }: LookingBackOptions) {
  let suspended: SuspendedCalls | null = null;
  const sensor = createSensor('the last look', true);
  const report = (found: RawTracked['unfinished'], more: Partial<SampleMessage> = {}): void => {
    const tracked = found && found.sites.length > 0 ? { rejections: [], unfinished: found } : null;
    if (tracked || more.heapMs !== undefined) post({ ...more, tracked });
  };
  const lookIntoHeap = (): void => {
    suspended ??= new (loadSuspendedCalls().SuspendedCalls)();
    // The pause is ours, and no stall of the program.
    const before = load(control, Word.Debugger);
    store(control, Word.Debugger, OWN_WORK);
    const from = monotonicMs();
    const fromCpu = processCpu();
    try {
      const found = suspended.look();
      const { user, system } = processCpu(fromCpu);
      // On a busy host it had to wait for a core as well.
      report(found, { heapMs: min(monotonicMs() - from, (user + system) / 1000) });
    } finally {
      store(control, Word.Debugger, before);
    }
  };
  const followed = guarded(sensor, () => post({ ...unfinished(), last: true }));
  const heap = guarded(sensor, lookIntoHeap);
  const again = guarded(sensor, () => report(suspended?.lookAgain() ?? null));
  const end = guarded(sensor, () => {
    if (process.memoryUsage().heapUsed > MOST_AT_END_BYTES) return;
    suspended ??= new (loadSuspendedCalls().SuspendedCalls)();
    report(suspended.lookAtEnd());
  });
  return {
    lookBack(intoHeap: boolean): void {
      const isEmpty = isStackEmpty();
      const find = intoHeap ? heap : again;
      if (isEmpty) find();
      // Between two turns of the loop, not within what runs: it may be a sampler of ours.
      else laterOn(find).unref();
      if (isEmpty) followed();
      else atNextTurn(followed);
    },
    /** `isUnsettled`: nothing is left that could settle what the program's top level awaits. */
    atExit: (isUnsettled: boolean): void => (isUnsettled ? end() : again()),
  };
}
