import { BUDGET_SHARE, SLOW_MS } from '../src/recording/defaults.ts';
import type { Level } from '../src/recording/types.ts';

/** What the environment variables EVDIAG_* say. */
export interface Settings {
  /** Folder that holds the recordings, absolute. */
  out: string;
  level: Level;
  /** Of an observed thread's time, 0..1; null: what the level has. */
  budgetShare: number | null;
  slowMs: number;
  maxBytes: number;
  /** Where metrics are served, as it was set: the watchdog reads it. Null: nowhere. */
  metrics: string | null;
  /** How long the program is to have waited before it is said what keeps it alive, in ms; null: it is not said. */
  whyMs: number | null;
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
/** Beyond this the program does less than the agent. */
const MOST_BUDGET = 0.5;
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
  const budgetShare = readBudget(env.EVDIAG_BUDGET);
  if (level !== 'watch' && level !== 'diagnose') {
    problems.push(`EVDIAG_LEVEL=${quote(level)} is not watch or diagnose; using watch`);
  }
  if (budgetShare === undefined) {
    const used = level === 'diagnose' ? BUDGET_SHARE.diagnose : BUDGET_SHARE.watch;
    problems.push(
      `EVDIAG_BUDGET=${quote(env.EVDIAG_BUDGET!.trim())} is not a share of the thread's time from 0% to ${MOST_BUDGET * 100}%, such as 2%; using ${used * 100}%`,
    );
  }
  const whyMs = readSpan(env.EVDIAG_WHY);
  if (whyMs === undefined) {
    problems.push(`EVDIAG_WHY=${quote(env.EVDIAG_WHY!.trim())} is not a time such as 5s, from 1s to 1h; not used`);
  }
  const settings: Settings = {
    out: resolve(env.EVDIAG_OUT || '.evdiag'),
    level: level === 'diagnose' ? 'diagnose' : 'watch',
    budgetShare: budgetShare ?? null,
    slowMs: number('EVDIAG_SLOW_MS', SLOW),
    maxBytes: number('EVDIAG_MAX_MB', MAX_MB) * 1e6,
    metrics: env.EVDIAG_METRICS?.trim() || null,
    whyMs: whyMs ?? null,
    recent: flag('EVDIAG_RECENT', true),
    quiet: flag('EVDIAG_QUIET', false),
    summary: flag('EVDIAG_SUMMARY', true),
    family: env.EVDIAG_FAMILY ? resolve(env.EVDIAG_FAMILY) : null,
  };
  return { settings, problems };
}

/** "2%", "0.5 %" or "2", which is the same; null where it is not set, undefined where it is no such share. */
function readBudget(text: string | undefined): number | null | undefined {
  if (!text?.trim()) return null;
  const [, percent] = /^(\d+(?:\.\d+)?)\s*%?$/.exec(text.trim()) ?? [];
  const share = Number(percent) / 100;
  return percent !== undefined && share <= MOST_BUDGET ? share : undefined;
}

/** "5s", "500ms", "2m" or "5", which are seconds, in ms; null where it is not set or 0, undefined where it is no such time. */
function readSpan(text: string | undefined): number | null | undefined {
  if (!text?.trim() || text.trim() === '0') return null;
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)?$/.exec(text.trim()) ?? [];
  const ms = Number(number) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit as 'ms' | 's' | 'm' | 'h'];
  return number !== undefined && ms >= 1000 && ms <= 3_600_000 ? ms : undefined;
}

/** Of an observed thread's time, at that level. */
export function budgetOf({ budgetShare }: Pick<Settings, 'budgetShare'>, level: Level): number {
  return budgetShare ?? BUDGET_SHARE[level];
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 40));
}
