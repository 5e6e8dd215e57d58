import { isAbsolute, parse, relative, sep } from 'node:path';

/** C0 and C1 controls, and the characters that reorder or hide text (bidi, line separators, zero width). */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]/g;

/** Text that cannot steer a terminal: for everything that comes from a recording. Tabs and newlines become spaces. */
export function stripControl(text: string): string {
  return text.replace(/[\t\n\r]+/g, ' ').replace(CONTROL, '');
}

/** JSON in which control characters are escaped, so that it may be shown in a terminal. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(CONTROL, (char) => (char === '\n' ? char : escaped(char)));
}

/** The same on one line, with its newline. */
export function toJsonLine(value: unknown): string {
  return `${JSON.stringify(value).replace(CONTROL, escaped)}\n`;
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** "412 ms", "3.02 s", "5 min 20 s". */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return '?';
  if (ms < 0) return `-${formatMs(-ms)}`;
  if (ms < 0.995) return `${round(ms, 2)} ms`;
  if (ms < 999.5) return `${round(ms, ms < 9.95 ? 1 : 0)} ms`;
  if (ms < 119_500) return `${round(ms / 1000, ms < 9995 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

/** "2.3 ns", "41 µs", and from a millisecond on as formatMs. */
export function formatNs(ns: number): string {
  if (!(ns < 999_500)) return formatMs(ns / 1e6);
  if (ns < 999.5) return `${round(ns, ns < 9.95 ? 1 : 0)} ns`;
  return `${round(ns / 1000, ns < 9950 ? 1 : 0)} µs`;
}

/** "512", "100 000". */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** "512 B", "1.5 MiB". */
export function formatBytes(bytes: number): string {
  if (!Number.isFinite(bytes)) return '?';
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let unit = 0;
  for (; Math.abs(value) >= 1000 && unit < units.length - 1; unit++) value /= 1024;
  return `${round(value, unit === 0 || Math.abs(value) >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** A share of 0..1 as "12 %". */
export function formatShare(share: number): string {
  return `${round(share * 100, Math.abs(share) < 0.0995 ? 1 : 0)} %`;
}

/** "1 finding", "2 findings". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A path as a person would type it: relative when it lies under the working folder, unless all paths do. */
export function displayPath(path: string, cwd: string = process.cwd()): string {
  if (!isAbsolute(path) || cwd === parse(cwd).root) return stripControl(path);
  const short = relative(cwd, path);
  return stripControl(short === '' ? '.' : short === '..' || short.startsWith(`..${sep}`) ? path : short);
}

/** Lines of at most `width` characters, or whatever `measure` counts; words longer than that stay whole. */
export function wrap(text: string, width: number, measure = (part: string): number => part.length): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    if (line !== '' && measure(line) + 1 + measure(word) > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return line === '' ? lines : [...lines, line];
}

const BARS = '▁▂▃▄▅▆▇█';

/**
 * One bar per bucket; each shows its largest value, so that a peak never disappears. A bucket without a reading shows the value
 * of the bucket before it.
 */
export function sparkline(points: readonly { t: number; value: number }[], endMs: number, width: number): string {
  const buckets: (number | undefined)[] = new Array(width).fill(undefined);
  for (const { t, value } of points) {
    const index = Math.min(width - 1, Math.max(0, Math.floor((t / Math.max(endMs, 1)) * width)));
    buckets[index] = Math.max(buckets[index] ?? 0, value);
  }
  let last = 0;
  const values = buckets.map((value) => {
    last = value ?? last;
    return last;
  });
  const top = Math.max(...values, Number.MIN_VALUE);
  return values.map((value) => BARS[Math.min(7, Math.max(0, Math.round((value / top) * 7)))]).join('');
}

/** The candidate that was probably meant, or null. */
export function closest(word: string, candidates: readonly string[]): string | null {
  const ranked = candidates
    .map((id) => ({ id, distance: editDistance(word, id) }))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  if (best !== undefined && best.distance <= Math.max(2, word.length / 3)) return best.id;
  return candidates.find((id) => word.length > 2 && id.includes(word)) ?? null;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= Math.min(a.length, 100); i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
