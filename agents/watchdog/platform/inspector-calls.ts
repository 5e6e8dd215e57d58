import type { V8AllocationProfile } from '../../../src/protocol/allocation-parts.ts';
import type { V8CpuProfile } from '../../../src/protocol/profile-parts.ts';

/** The methods of V8's own protocol that are used: https://chromedevtools.github.io/devtools-protocol/v8/ */
interface InspectorCalls {
  'HeapProfiler.disable': { params: object; result: object };
  'HeapProfiler.getSamplingProfile': { params: object; result: { profile: V8AllocationProfile } };
  'HeapProfiler.startSampling': {
    params: {
      samplingInterval: number;
      includeObjectsCollectedByMajorGC?: boolean;
      includeObjectsCollectedByMinorGC?: boolean;
    };
    result: object;
  };
  'HeapProfiler.stopSampling': { params: object; result: { profile: V8AllocationProfile } };
  'Profiler.disable': { params: object; result: object };
  'Profiler.enable': { params: object; result: object };
  'Profiler.setSamplingInterval': { params: { interval: number }; result: object };
  'Profiler.start': { params: object; result: object };
  'Profiler.startPreciseCoverage': { params: { callCount: boolean; detailed: boolean }; result: object };
  'Profiler.stop': { params: object; result: { profile: V8CpuProfile } };
  'Profiler.stopPreciseCoverage': { params: object; result: object };
  'Runtime.evaluate': {
    params: { expression: string; returnByValue: boolean; silent: boolean };
    result: { result: { value?: unknown } };
  };
  'Runtime.terminateExecution': { params: object; result: object };
}

export type InspectorCall = keyof InspectorCalls;
export type CallParams<Name extends InspectorCall> = InspectorCalls[Name]['params'];
export type CallResult<Name extends InspectorCall> = InspectorCalls[Name]['result'];
