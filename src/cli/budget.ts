/** The file that holds a budget, and the option that asks for it. */
import { readFileSync } from 'node:fs';
import { Option } from 'commander';
import { type Family, InputError } from '../recording/reader.ts';
import { budgetText } from '../report/budget/budget-text.ts';
import { isKept, judgeBudget } from '../report/budget/judge-budget.ts';
import { LIMITS } from '../report/budget/limits.ts';
import type { Budget, BudgetResult } from '../report/budget/types.ts';
import type { Report } from '../report/types.ts';
import { hasColor, painter } from '../util/terminal.ts';
import { closest } from '../util/text.ts';
import { nodeCode } from '../util/user-error.ts';

const FILE = 'evdiag.config.json';
const MAX_BYTES = 1 << 20;
const EXAMPLE = '{ "budget": { "maxStallMs": 200 } }';
const NAMES = [...Object.keys(LIMITS), 'allowGrowth'];

export interface ReadBudget {
  file: string;
  budget: Budget;
}

export function budgetOption(): Option {
  return new Option('--budget [file]', `exit with 1 unless the budget in this file is kept (default: ${FILE})`);
}

/** Null where none is asked for. Throws InputError. */
export function readBudget(option: string | true | undefined): ReadBudget | null {
  if (option === undefined) return null;
  const file = option === true ? FILE : option;
  const { budget } = parsed(textOf(file), file);
  if (!isPlain(budget) || Object.keys(budget).length === 0) {
    throw new InputError(`${file} has no budget. Write one, such as ${EXAMPLE}`);
  }
  for (const [name, value] of Object.entries(budget)) check(name, value, file);
  return { file, budget };
}

function textOf(file: string): string {
  try {
    const text = readFileSync(file, 'utf8');
    if (text.length <= MAX_BYTES) return text;
  } catch (error) {
    if (nodeCode(error) === 'ENOENT') throw new InputError(`There is no ${file}. Write one, such as ${EXAMPLE}`);
    throw new InputError(`${file} cannot be read (${nodeCode(error)}).`);
  }
  throw new InputError(`${file} is too large for a configuration.`);
}

function parsed(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isPlain(value)) return value;
  } catch (error) {
    throw new InputError(`${file} is not JSON: ${String((error as Error).message).split('\n')[0]}.`);
  }
  throw new InputError(`${file} must hold an object, such as ${EXAMPLE}`);
}

function check(name: string, value: unknown, file: string): void {
  if (!NAMES.includes(name)) {
    const meant = closest(name, NAMES);
    throw new InputError(
      `${file}: "${name.slice(0, 60)}" cannot be limited. ${meant ? `Did you mean "${meant}"?` : `There are ${NAMES.join(', ')}.`}`,
    );
  }
  if (name === 'allowGrowth') {
    if (typeof value === 'boolean') return;
    throw new InputError(`${file}: "allowGrowth" must be true or false.`);
  }
  const { least, most } = LIMITS[name as keyof typeof LIMITS];
  if (typeof value === 'number' && value >= least && value <= most) return;
  throw new InputError(`${file}: "${name}" must be a number from ${least} to ${most}.`);
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** How the family keeps it, and whether it does. */
export function askBudget(
  read: ReadBudget,
  report: Report,
  family: Family,
): { results: BudgetResult[]; kept: boolean } {
  const results = judgeBudget(read.budget, report, family.recordings);
  return { results, kept: isKept(results) };
}

export function printBudget({ file }: ReadBudget, results: readonly BudgetResult[]): void {
  process.stderr.write(`\n${budgetText(results, file, painter(hasColor(process.stderr)))}`);
}
