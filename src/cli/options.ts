/** Options that several commands share. */
import { InvalidArgumentError, Option } from 'commander';
import { SEVERITIES } from '../detectors/types.ts';

export function jsonOption(): Option {
  return new Option('--json', 'print JSON on stdout');
}

export function failOnOption(): Option {
  return new Option('--fail-on <severity>', 'exit 1 where a finding is at least that severe').choices(SEVERITIES);
}

export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}
