import { collapsed } from './collapsed.ts';
import { cpuprofile } from './cpuprofile.ts';
import { heapprofile } from './heapprofile.ts';
import { html } from './html.ts';
import { markdown } from './markdown.ts';
import { pprof } from './pprof.ts';
import { speedscope } from './speedscope.ts';
import { svg } from './svg.ts';
import { timeline } from './timeline.ts';
import type { Exporter } from './types.ts';

export const exporters: readonly Exporter[] = [
  collapsed,
  cpuprofile,
  heapprofile,
  html,
  markdown,
  pprof,
  speedscope,
  svg,
  timeline,
];
