import { terminalWidth } from '../../util/terminal.ts';
import { displayPath, formatBytes, formatMs, formatShare, stripControl } from '../../util/text.ts';
import type { MonitorEvent, MonitorSample } from './monitored-process.ts';

const WIDTHS = { TIME: 8, PID: 7, LOAD: 6, P99: 8, BLOCKED: 9, HEAP: 9, RSS: 9 };
const RIGHT = new Set(['PID', 'LOAD', 'P99', 'BLOCKED', 'HEAP', 'RSS']);
const NONE = '-';
const EVENTS = { found: 'is watched', appeared: 'has appeared', ended: 'has ended' };

export function monitorHeader(): string {
  return lineOf(Object.keys(WIDTHS), 'FINDINGS, COMMAND');
}

export function monitorLine(line: MonitorSample | MonitorEvent): string {
  const begin = [timeText(line.time), String(line.pid)];
  if (line.event !== 'sample') {
    return lineOf(begin, `${EVENTS[line.event]}: ${line.command}`);
  }
  const { utilization, delayP99Ms, blockedMs, isBlocked, heapUsedBytes, rssBytes } = line;
  const cells = [
    ...begin,
    utilization === null ? NONE : formatShare(utilization),
    delayP99Ms === null ? NONE : formatMs(delayP99Ms),
    blockedMs < 1 ? NONE : `${formatMs(blockedMs)}${isBlocked ? '+' : ''}`,
    heapUsedBytes === null ? NONE : formatBytes(heapUsedBytes),
    rssBytes === null ? NONE : formatBytes(rssBytes),
  ];
  return lineOf(cells, [findingsText(line), line.command].filter((text) => text !== '').join(' · '));
}

function findingsText({ findings: { critical, warning }, worst }: MonitorSample): string {
  const counts = [critical > 0 && `${critical} critical`, warning > 0 && `${warning} warning${warning > 1 ? 's' : ''}`];
  const said = counts.filter((text) => text !== false);
  if (!worst || said.length === 0) return 'none';
  const place = worst.file === null ? '' : ` ${displayPath(worst.file)}:${worst.line}`;
  return `${said.join(', ')}: ${worst.rule}${place}`;
}

/** On a terminal in one line. */
function lineOf(cells: readonly string[], rest: string): string {
  const names = Object.keys(WIDTHS) as (keyof typeof WIDTHS)[];
  const text = cells
    .map((cell, i) => (RIGHT.has(names[i]!) ? cell.padStart(WIDTHS[names[i]!]) : cell.padEnd(WIDTHS[names[i]!])))
    .join('  ');
  const line = stripControl(`${text}  ${rest}`).trimEnd();
  return `${process.stdout.isTTY ? line.slice(0, terminalWidth(process.stdout)) : line}\n`;
}

function timeText(time: string): string {
  return new Date(time).toTimeString().slice(0, 8);
}
