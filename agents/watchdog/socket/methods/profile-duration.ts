/** As long as somebody may want a profile of; each sample takes memory until it ends. */
const MAX_HOURS = 1;

/** The time that a profile is to take. Throws where it is no time, or too long. */
export function profileDurationMs(durationMs: unknown): number {
  if (typeof durationMs === 'number' && durationMs >= 1 && durationMs <= MAX_HOURS * 3600e3) return durationMs;
  throw new Error(`A profile takes between 1 ms and ${MAX_HOURS} h.`);
}
