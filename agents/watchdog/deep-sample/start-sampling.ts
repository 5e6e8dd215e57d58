import type { CallParams } from '../platform/inspector-calls.ts';
import type { StackCapture } from '../platform/stack-capture.ts';

/**
 * Starts V8's sampler of allocations, unless the program uses it: there is one per thread, and stopping it takes
 * it from the others. Calls back with whether it was started; does not if the thread does not answer. Just before that it asks
 * whether it is still wanted.
 */
export function startSampling(
  capture: StackCapture,
  user: 'allocations' | 'deep-sample',
  params: CallParams<'HeapProfiler.startSampling'>,
  onStarted: (started: boolean) => void,
  isWanted: () => boolean = () => true,
): void {
  // An error if nobody samples; otherwise a profile of the running sampler.
  capture.post(user, 'HeapProfiler.getSamplingProfile', {}, (theirs) => {
    if (theirs || !isWanted()) onStarted(false);
    else capture.post(user, 'HeapProfiler.startSampling', params, (started) => onStarted(started !== null));
  });
}
