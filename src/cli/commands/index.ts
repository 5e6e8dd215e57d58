import type { CliCommand } from '../types.ts';
import { attach } from './attach.ts';
import { detach } from './detach.ts';
import { diff } from './diff.ts';
import { dump } from './dump.ts';
import { explain } from './explain.ts';
import { export as exportRecording } from './export.ts';
import { flame } from './flame.ts';
import { lab } from './lab.ts';
import { leaks } from './leaks.ts';
import { mcp } from './mcp.ts';
import { monitor } from './monitor.ts';
import { profile } from './profile.ts';
import { ps } from './ps.ts';
import { replay } from './replay.ts';
import { report } from './report.ts';
import { run } from './run.ts';
import { scenario } from './scenario.ts';
import { scenarios } from './scenarios.ts';
import { selftest } from './selftest.ts';
import { startup } from './startup.ts';
import { stats } from './stats.ts';
import { top } from './top.ts';
import { trace } from './trace.ts';
import { why } from './why.ts';

export const commands: readonly CliCommand<never>[] = [
  attach,
  detach,
  diff,
  dump,
  explain,
  exportRecording,
  flame,
  lab,
  leaks,
  mcp,
  monitor,
  profile,
  ps,
  replay,
  report,
  run,
  scenario,
  scenarios,
  selftest,
  startup,
  stats,
  top,
  trace,
  why,
];
