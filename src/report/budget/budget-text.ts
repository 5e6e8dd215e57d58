import type { Paint } from '../../util/terminal.ts';
import { stripControl } from '../../util/text.ts';
import type { BudgetResult, BudgetState } from './types.ts';

const WORDS: Record<BudgetState, string> = { kept: 'kept', exceeded: 'EXCEEDED', unknown: 'UNKNOWN' };

export function budgetText(results: readonly BudgetResult[], file: string, paint: Paint): string {
  const rows = results.map(({ state, title, valueText, limitText, where }) => [
    WORDS[state],
    title,
    valueText,
    limitText,
    state === 'kept' ? '' : stripControl(where),
  ]);
  const widths = [0, 1, 2, 3].map((i) => Math.max(...rows.map((row) => row[i]!.length)));
  const lines = rows.map((row, i) => {
    const cells = row.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    const color = results[i]!.state === 'kept' ? 'green' : 'red';
    return `  ${paint(cells[0]!, color)}  ${cells.slice(1).join('  ')}`.trimEnd();
  });
  return `${paint('budget', 'bold')} (${stripControl(file)})\n${lines.join('\n')}\n`;
}
