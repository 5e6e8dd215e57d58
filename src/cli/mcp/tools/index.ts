import type { Tool } from '../types.ts';
import { attach } from './attach.ts';
import { detach } from './detach.ts';
import { dump } from './dump.ts';
import { explain } from './explain.ts';
import { findings } from './findings.ts';
import { heapLeaks } from './heap-leaks.ts';
import { leaks } from './leaks.ts';
import { processes } from './processes.ts';
import { profile } from './profile.ts';
import { recordProfile } from './record-profile.ts';
import { routes } from './routes.ts';
import { runScenario } from './run-scenario.ts';
import { scenarios } from './scenarios.ts';

export const tools: readonly Tool[] = [
  attach,
  detach,
  dump,
  explain,
  findings,
  heapLeaks,
  leaks,
  processes,
  profile,
  recordProfile,
  routes,
  runScenario,
  scenarios,
];
