import { judgeSteps } from '../../../../src/detectors/judge.ts';
import { detectors } from '../../../../src/detectors/rules/index.ts';
import type { Finding, Severity } from '../../../../src/detectors/types.ts';
import type { Recording } from '../../../../src/recording/types.ts';
import { counter, gauge } from '../families.ts';
import type { Collector, MetricSample, MetricsSource } from '../types.ts';

/** What somebody would want to be woken for. */
const SEVERITIES: readonly Severity[] = ['warning', 'critical'];
/** Between two judgements; and at most this share of a core. */
const REST_MS = { least: 5000, most: 60_000 };
const REST_FACTOR = 20;
/** Findings told apart; further ones count as known. */
const MAX_KNOWN = 2000;

/** Findings of all threads. They are judged while somebody scrapes, piece by piece between the ticks of the watchdog. */
export class Findings implements Collector {
  readonly #source: MetricsSource;
  readonly #known = new Set<string>();
  readonly #counts = emptyCounts();
  #now = emptyCounts();
  #judging: Promise<void> | null = null;
  #nextAt = 0;

  constructor(source: MetricsSource) {
    this.#source = source;
  }

  /** Resolves when the findings are as of now, or as new as they get. */
  update(): Promise<void> {
    if (!this.#judging && performance.now() >= this.#nextAt) {
      this.#judging = this.#judge().finally(() => {
        this.#judging = null;
      });
    }
    return this.#judging ?? Promise.resolve();
  }

  read() {
    return [
      counter(
        'evdiag_findings_total',
        'Findings so far, by rule: each place that a rule reports counts once, and again when it becomes critical.',
        samplesOf(this.#counts),
      ),
      gauge('evdiag_findings', 'Findings now, by rule.', samplesOf(this.#now)),
    ];
  }

  async #judge(): Promise<void> {
    let busyMs = 0;
    try {
      const now = emptyCounts();
      for (const recording of this.#source.recordings()) {
        const { findings, ms } = await judged(recording);
        busyMs += ms;
        for (const finding of findings) this.#count(finding, recording.header.threadId, now);
      }
      this.#now = now;
    } finally {
      this.#nextAt = performance.now() + Math.min(REST_MS.most, Math.max(REST_MS.least, busyMs * REST_FACTOR));
    }
  }

  #count({ rule, severity, kind, location, startup }: Finding, threadId: number, now: Counts): void {
    if (startup || !SEVERITIES.includes(severity)) return;
    add(now, rule, severity);
    const place = location ? `${location.file}:${location.line}` : `thread ${threadId}`;
    const key = JSON.stringify([rule, severity, kind, place]);
    if (this.#known.has(key) || this.#known.size >= MAX_KNOWN) return;
    this.#known.add(key);
    add(this.#counts, rule, severity);
  }
}

type Counts = Map<string, Map<Severity, number>>;

/** With zeros: a rate over a counter that begins with one would not see it. */
function emptyCounts(): Counts {
  return new Map(detectors.map(({ id }) => [id, new Map(SEVERITIES.map((severity) => [severity, 0]))]));
}

function add(counts: Counts, rule: string, severity: Severity): void {
  const ofRule = counts.get(rule);
  ofRule?.set(severity, (ofRule.get(severity) ?? 0) + 1);
}

function samplesOf(counts: Counts): MetricSample[] {
  return [...counts].flatMap(([rule, bySeverity]) =>
    [...bySeverity].map(([severity, value]) => ({ labels: { rule, severity }, value })),
  );
}

async function judged(recording: Recording): Promise<{ findings: readonly Finding[]; ms: number }> {
  const steps = judgeSteps(recording);
  let ms = 0;
  for (;;) {
    const begin = performance.now();
    const { done, value } = steps.next();
    ms += performance.now() - begin;
    if (done) return { findings: value.findings, ms };
    await new Promise((resolve) => setImmediate(resolve));
  }
}
