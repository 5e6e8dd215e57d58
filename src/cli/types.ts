import type { Command } from 'commander';

/** 0 done · 1 findings at or above --fail-on · 2 bad usage or unreadable input · 3 target not reached or not started. */
export const EXIT = { done: 0, found: 1, usage: 2, target: 3 } as const;

/** One command of the CLI; `run` gets the operands and the options as `configure` declared them. */
export interface CliCommand<Options = unknown> {
  id: string;
  summary: string;
  /** Command lines for --help. */
  examples: readonly string[];
  configure(command: Command): void;
  run(operands: readonly string[], options: Options): Promise<number> | number;
}
