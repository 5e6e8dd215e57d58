import type { Command } from 'commander';

export { EXIT } from '../util/user-error.ts';

/** One command of the CLI; `run` gets the operands and the options as `configure` declared them. */
export interface CliCommand<Options = unknown> {
  id: string;
  /** Older names that go on working. */
  aliases?: readonly string[];
  summary: string;
  /** Command lines for --help. */
  examples: readonly string[];
  configure(command: Command): void;
  run(operands: readonly string[], options: Options): Promise<number> | number;
}
