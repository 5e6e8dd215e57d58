/** Prometheus' text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/ */
import type { Family, MetricSample } from './types.ts';

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Series of one family: the labels are bounded, and this is in case one is not. */
const MOST_SERIES = 1000;
/** Of a label's value, in UTF-16 units. */
const LONGEST_VALUE = 200;

/** Families without a series are left out. */
export function exposition(families: readonly Family[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(familyText)
    .join('');
}

function familyText({ name, help, type, samples }: Family): string {
  const head = `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`;
  return (
    head +
    samples
      .slice(0, MOST_SERIES)
      .map((sample) => `${name}${sampleText(sample)}\n`)
      .join('')
  );
}

function sampleText({ suffix = '', labels = {}, value }: MetricSample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeValue(text)}"`);
  return `${suffix}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${numberText(value)}`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return escapeHelp(text.slice(0, LONGEST_VALUE).toWellFormed?.() ?? text.slice(0, LONGEST_VALUE)).replaceAll(
    '"',
    '\\"',
  );
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  return String(value);
}
