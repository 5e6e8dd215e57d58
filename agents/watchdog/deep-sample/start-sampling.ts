import type { CallParams } from '../platform/inspector-calls.ts';
import type { StackCapture } from '../platform/stack-capture.ts';

/**
 * Starts V8's sampler of allocations, unless the program uses it: there is one for a thread, and whoever stops it takes
 * it from the others. Tells whether it was started; says nothing where the thread does not answer. It is asked just before
 * whether that is still wanted.
 */
export function startSampling(
  capture: StackCapture,
  user: 'allocations' | 'deep-sample',
  params: CallParams<'HeapProfiler.startSampling'>,
  onStarted: (started: boolean) => void,
  isWanted: () => boolean = () => true,
): void {
  // An error where nobody samples; else the profile of whoever does.
  capture.post(user, 'HeapProfiler.getSamplingProfile', {}, (theirs) => {
    if (theirs || !isWanted()) onStarted(false);
    else capture.post(user, 'HeapProfiler.startSampling', params, (started) => onStarted(started !== null));
  });
}
