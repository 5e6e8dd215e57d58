/** Options that several commands share. */
import { Argument, InvalidArgumentError, Option } from 'commander';
import { SEVERITIES } from '../detectors/types.ts';
import { InputError } from '../recording/reader.ts';

export function jsonOption(what = 'print JSON on stdout'): Option {
  return new Option('--json', what);
}

export function failOnOption(): Option {
  return new Option('--fail-on <severity>', 'exit with 1 if a finding is at least this severe').choices(SEVERITIES);
}

export function numberBetween(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a number from ${least} to ${most}.`);
  };
}

/** The operand of commands that reach a process. Throws InputError. */
export function toPid(text: string): number {
  const pid = Number(text);
  if (Number.isInteger(pid) && pid > 0 && pid < 2 ** 31) return pid;
  throw new InputError(`"${text}" is not a process ID. "evdiag top" lists the processes that run with the agent.`);
}

/** The operand of commands that read a recording. */
export function recordingArgument(): Argument {
  const what = 'recording, or a folder of recordings (the newest one is used); folders of clinic doctor work, too';
  return new Argument('[input]', what).default('.evdiag');
}
