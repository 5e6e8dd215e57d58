import type { Paint } from '../util/terminal.ts';
import { displayPath, formatMs, plural, stripControl } from '../util/text.ts';
import type { Startup, StartupModule, StartupPackage } from './types.ts';

/** Without --all. */
const MOST = { packages: 12, modules: 40 };
/** Of the whole: what takes less is left out without --all. */
const LEAST_SHARE = 0.01;

export interface StartupTextOptions {
  paint: Paint;
  all: boolean;
}

export function startupText(startup: Startup, { paint, all }: StartupTextOptions): string {
  const count = startup.packages.reduce((sum, { modules }) => sum + modules, 0);
  return [
    `${paint(formatMs(startup.totalMs), 'bold')} in ${plural(count, 'module')} that took long enough to be seen`,
    '',
    ...packageLines(startup.packages, all, paint),
    '',
    ...treeLines(startup, all, paint),
    '',
  ].join('\n');
}

function packageLines(packages: readonly StartupPackage[], all: boolean, paint: Paint): string[] {
  const shown = all ? packages : packages.slice(0, MOST.packages);
  const left = packages.length - shown.length;
  return [
    paint(`${'SELF'.padStart(10)}${'TOTAL'.padStart(10)}${'MODULES'.padStart(9)}  PACKAGE`, 'bold'),
    ...shown.map(
      ({ package: name, modules, selfMs, totalMs }) =>
        `${formatMs(selfMs).padStart(10)}${formatMs(totalMs).padStart(10)}${String(modules).padStart(9)}  ${stripControl(name ?? "(the program's own)")}`,
    ),
    ...(left > 0 ? [paint(`${''.padStart(31)}… ${plural(left, 'other package')}: --all`, 'dim')] : []),
  ];
}

function treeLines({ modules, totalMs }: Startup, all: boolean, paint: Paint): string[] {
  const lines: string[] = [];
  let left = 0;
  const open: [module: StartupModule, depth: number][] = [];
  const push = (list: readonly StartupModule[], depth: number): void => {
    for (const module of list.toReversed()) open.push([module, depth]);
  };
  push(modules, 0);
  for (let next = open.pop(); next; next = open.pop()) {
    const [module, depth] = next;
    if (!all && (module.totalMs < totalMs * LEAST_SHARE || lines.length >= MOST.modules)) {
      left++;
      continue;
    }
    const name = `${'  '.repeat(Math.min(depth, 30))}${displayPath(module.file)}`;
    const figures = `${formatMs(module.selfMs).padStart(10)}${formatMs(module.totalMs).padStart(10)}`;
    lines.push(`${figures}  ${paint(name, module.package === null ? 'cyan' : 'dim')}`);
    push(module.modules, depth + 1);
  }
  return [
    paint(`${'SELF'.padStart(10)}${'TOTAL'.padStart(10)}  MODULE, below the one that loaded it first`, 'bold'),
    ...lines,
    ...(left > 0 ? [paint(`${''.padStart(22)}… others that took less: --all`, 'dim')] : []),
  ];
}
