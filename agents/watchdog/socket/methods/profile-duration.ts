/** The longest useful profile; each sample takes memory until it ends. */
const MAX_HOURS = 1;

/** The requested duration of a profile. Throws if it is not valid, or too long. */
export function profileDurationMs(durationMs: unknown): number {
  if (typeof durationMs === 'number' && durationMs >= 1 && durationMs <= MAX_HOURS * 3600e3) return durationMs;
  throw new Error(`A profile takes between 1 ms and ${MAX_HOURS} h.`);
}
