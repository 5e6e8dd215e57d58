/** Options that several commands share. */
import { Argument, InvalidArgumentError, Option } from 'commander';
import { SEVERITIES } from '../detectors/types.ts';
import { InputError } from '../recording/reader.ts';
import { DEFAULT_EDITOR } from '../util/editors.ts';

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

/** "60s", "10m", "2h"; a number alone is seconds. In milliseconds. */
export function forOption(what: string, mostMs: number): Option {
  return new Option('--for <time>', what).argParser((text: string) => {
    const [, value, unit = 's'] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim()) ?? [];
    const ms = Number(value) * UNITS_MS[unit as keyof typeof UNITS_MS];
    if (value !== undefined && ms > 0 && ms <= mostMs) return ms;
    throw new InvalidArgumentError('It must be a time such as 60s, 10m or 2h.');
  });
}

const UNITS_MS = { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 } as const;

/** Of commands that reach a process, which may have been started without the agent. */
export function attachOption(): Option {
  return new Option('--attach', 'where the agent is not there: load it for this command, without asking');
}

export function sigusr1Option(): Option {
  return new Option(
    '--sigusr1',
    'send SIGUSR1 even where it cannot be seen whether the program handles that signal itself',
  );
}

/** Of commands that write pages; `editorPattern` makes an address of it. */
export function editorOption(): Option {
  const names = 'vscode, cursor, windsurf, zed, sublime, idea, webstorm, none';
  return new Option('--editor <name>', `editor that links open: ${names}, or a URL with {file} and {line}`).default(
    DEFAULT_EDITOR,
  );
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
