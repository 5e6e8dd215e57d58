/** Reads Prometheus' text format 0.0.4, strictly, and independently of what writes it. */

export interface ReadFamily {
  type: string;
  help: string;
  samples: { name: string; labels: Record<string, string>; value: number }[];
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/y;
const SUFFIX = /_(bucket|sum|count)$/;

/** Throws where a line does not follow the format, or a family is there twice. */
export function readExposition(text: string): Map<string, ReadFamily> {
  const families = new Map<string, ReadFamily>();
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.split('\n').slice(0, -1)) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (kind === 'HELP') {
      if (families.has(name)) throw new Error(`${name} is there twice`);
      families.set(name, { type: '', help: unescaped(rest), samples: [] });
    } else if (kind === 'TYPE') families.get(name)!.type = rest;
    else addSample(families, line);
  }
  return families;
}

function addSample(families: Map<string, ReadFamily>, line: string): void {
  const [, name, labels = '', value] = LINE.exec(line) ?? [];
  const family = families.get(name ?? '') ?? families.get((name ?? '').replace(SUFFIX, ''));
  if (!name || !family) throw new Error(`no metric: ${line}`);
  family.samples.push({ name, labels: labelsOf(labels), value: numberOf(value!) });
}

function labelsOf(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const at = LABEL.lastIndex;
    const match = LABEL.exec(text);
    if (!match) throw new Error(`no labels: ${text.slice(at)}`);
    labels[match[1]!] = unescaped(match[2]!);
  }
  return labels;
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, (_, char: string) => (char === 'n' ? '\n' : char));
}

function numberOf(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  if (text === '-Inf') return Number.NEGATIVE_INFINITY;
  const value = Number(text);
  if (Number.isNaN(value) && text !== 'NaN') throw new Error(`no number: ${text}`);
  return value;
}

/** The sum of all series of a metric; those that match the labels, if they are given. */
export function metricValue(
  families: Map<string, ReadFamily>,
  name: string,
  labels: Record<string, string> = {},
): number {
  const family = families.get(name) ?? families.get(name.replace(SUFFIX, ''));
  const samples = family?.samples.filter(
    (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
  );
  if (!samples || samples.length === 0) throw new Error(`${name} is not there`);
  return samples.reduce((sum, { value }) => sum + value, 0);
}
