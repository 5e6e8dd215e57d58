import { attempt, createSensor, isOff, messageOf, type Sensor } from '../guard.ts';
import { samplers } from '../samplers/index.ts';
import type { DelayHistogram, RunningSampler, Sample, Sampler, SamplerContext } from '../samplers/types.ts';
import { type SharedMemory, Sum } from '../shared-memory.ts';

interface Running {
  sampler: Sampler;
  sensor: Sensor;
  started: RunningSampler | null;
}

/** The samplers of the level; one that fails is named, and the others go on. */
export function createSamplerSet(context: SamplerContext, complain: (message: string) => void) {
  const running: Running[] = [];
  for (let i = 0; i < samplers.length; i++) {
    const sampler = samplers[i]!;
    if (sampler.thread === 'observed')
      running[running.length] = { sampler, sensor: createSensor(`the sampler ${sampler.id}`), started: null };
  }
  const stop = (one: Running): void => {
    const { started } = one;
    one.started = null;
    if (started) attempt(one.sensor, () => started.stop());
  };
  const start = (one: Running): void => {
    try {
      one.started = one.sampler.start(context);
    } catch (error) {
      complain(`the sampler ${one.sampler.id} could not start: ${messageOf(error)}`);
    }
  };
  let level: boolean | null = null;
  return {
    /** Starts and stops what the level asks for. */
    follow(diagnose: boolean): void {
      if (level === diagnose) return;
      level = diagnose;
      for (let i = 0; i < running.length; i++) {
        const one = running[i]!;
        const wanted = diagnose || one.sampler.level === 'watch';
        if (wanted && !one.started) start(one);
        else if (!wanted) stop(one);
      }
    },
    read(): Sample[] {
      const rows: Sample[] = [];
      for (let i = 0; i < running.length; i++) {
        const { sensor, started } = running[i]!;
        try {
          const row = started && !isOff(sensor) ? started.read() : null;
          if (row) rows[rows.length] = row;
        } catch (error) {
          sensor.caught = { error };
        }
      }
      return rows;
    },
    stop(): void {
      for (let i = 0; i < running.length; i++) stop(running[i]!);
    },
  };
}

/** What an observed thread provides to its samplers. */
export function samplerContext({ numbers }: SharedMemory, histogram: DelayHistogram, gcByKind = false): SamplerContext {
  return {
    histogram,
    gcByKind,
    addGcMs(ms) {
      numbers[Sum.GcMs]! += ms;
    },
    heartbeatMaxMs: () => 0,
    observedThread: () => null,
    cpuLimit: () => null,
    ownCost: () => ({ mainThreadMs: 0, watchdogMs: null, stacks: 0, recordingBytes: 0 }),
  };
}
