import { SLOW_MS } from '../src/recording/defaults.ts';
import type { Level } from '../src/recording/types.ts';

/** What the environment variables EVDIAG_* say. */
export interface Settings {
  /** Folder that holds the recordings, absolute. */
  out: string;
  level: Level;
  slowMs: number;
  maxBytes: number;
  /** Whether stacks of the last minute are kept, for `evdiag profile --last`. */
  recent: boolean;
  quiet: boolean;
  /** Whether the findings are printed at exit (`evdiag run` prints them itself). */
  summary: boolean;
  /** Folder of the family of processes, absolute; set by a parent process. */
  family: string | null;
}

/** Below 20 ms the watchdog's own tick is too coarse. */
const SLOW = { value: SLOW_MS, least: 20, most: 3_600_000 };
/** Enough for days at level watch (about 3 kB/s), and little for a disk. */
const MAX_MB = { value: 64, least: 1, most: 100_000 };

/** Reads the settings; each bad value gives one sentence in `problems` and the default. */
export function readSettings(
  env: Record<string, string | undefined>,
  resolve: (path: string) => string,
): { settings: Settings; problems: string[] } {
  const problems: string[] = [];
  const number = (name: string, { value, least, most }: typeof SLOW): number => {
    const text = env[name]?.trim();
    if (!text) return value;
    const parsed = Number(text);
    if (Number.isFinite(parsed) && parsed >= least && parsed <= most) return parsed;
    problems.push(`${name}=${quote(text)} is not a number from ${least} to ${most}; using ${value}`);
    return value;
  };
  const flag = (name: string, value: boolean): boolean => {
    const text = env[name]?.trim().toLowerCase();
    if (!text) return value;
    if (['1', 'true', 'yes', 'on'].includes(text)) return true;
    if (['0', 'false', 'no', 'off'].includes(text)) return false;
    problems.push(`${name}=${quote(text)} is not 0 or 1; using ${value ? 1 : 0}`);
    return value;
  };
  const level = env.EVDIAG_LEVEL?.trim() || 'watch';
  if (level !== 'watch' && level !== 'diagnose') {
    problems.push(`EVDIAG_LEVEL=${quote(level)} is not watch or diagnose; using watch`);
  }
  const settings: Settings = {
    out: resolve(env.EVDIAG_OUT || '.evdiag'),
    level: level === 'diagnose' ? 'diagnose' : 'watch',
    slowMs: number('EVDIAG_SLOW_MS', SLOW),
    maxBytes: number('EVDIAG_MAX_MB', MAX_MB) * 1e6,
    recent: flag('EVDIAG_RECENT', true),
    quiet: flag('EVDIAG_QUIET', false),
    summary: flag('EVDIAG_SUMMARY', true),
    family: env.EVDIAG_FAMILY ? resolve(env.EVDIAG_FAMILY) : null,
  };
  return { settings, problems };
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
