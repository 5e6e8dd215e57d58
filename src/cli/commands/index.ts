import type { CliCommand } from '../types.ts';
import { dump } from './dump.ts';
import { explain } from './explain.ts';
import { lab } from './lab.ts';
import { leaks } from './leaks.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { top } from './top.ts';

export const commands: readonly CliCommand<never>[] = [
  dump,
  explain,
  lab,
  leaks,
  replay,
  report,
  run,
  scenario,
  scenarios,
  top,
];
