import type { Dump } from '../../async-dump/dump.ts';
import { fullPauseMs, quickPauseMs } from '../../async-dump/estimate.ts';
import { dumpText } from '../../async-dump/text.ts';
import type { Connection } from '../../attach/connect.ts';
import { takeDump } from '../../attach/take-dump.ts';
import type { DumpMode } from '../../protocol/dump-parts.ts';
import { InputError } from '../../recording/reader.ts';
import { hasColor, painter, terminalWidth } from '../../util/terminal.ts';
import { formatBytes, formatMs } from '../../util/text.ts';
import { ANNOUNCED_MS, type Costs, estimateOf } from '../dump-costs.ts';
import { withFindings } from '../dump-findings.ts';
import { attachOption, jsonOption, sigusr1Option } from '../options.ts';
import { complain, printJson } from '../output.ts';
import { progressLine, question } from '../progress.ts';
import { askEach, type HerdOptions, targetsOf } from '../target/herd.ts';
import { withTarget } from '../target/visit.ts';
import { type CliCommand, EXIT } from '../types.ts';

interface Options extends HerdOptions {
  json?: boolean;
  expand?: boolean;
  quick?: boolean;
  yes?: boolean;
  force?: boolean;
}

export const dump: CliCommand<Options> = {
  id: 'dump',
  summary: 'show what a running process is doing and waiting for: stacks, suspended async calls, timers, handles',
  examples: [
    'evdiag dump 4711',
    'evdiag dump 4711 --quick',
    'evdiag dump --all --quick --yes',
    'evdiag dump 4711 --yes --json > dump.json',
  ],
  configure(command) {
    command
      .argument('[pid]', 'process ID of a Node.js process')
      .option('--all', 'all processes that run with the agent; with --attach also those that run without')
      .option('--quick', 'take no heap snapshot: a shorter pause, but no answer to what would settle a promise')
      .option('--yes', `do not ask before a pause of more than ${ANNOUNCED_MS} ms`)
      .option('--force', 'take the heap snapshot even if memory may not suffice')
      .option('--expand', 'show all calls, timers and handles, without limits')
      .addOption(attachOption())
      .addOption(sigusr1Option())
      .addOption(jsonOption());
  },
  async run([pidText], options) {
    const pids = await targetsOf(pidText, options);
    const dumpOf = (pid: number): Promise<Dump | null> =>
      withTarget(pid, { ...options, consent: consentTo(pid, options) }, async (connection) => {
        const mode = await chooseMode(pid, await estimateOf(connection), options);
        return mode === null ? null : take(connection, mode, options);
      });
    const { got, missed } = await askEach(pids, dumpOf, { atOnce: false });
    if (options.json) {
      const dumps = got.filter((one) => one !== null);
      if (options.all) printJson({ schema: 'evdiag-dumps/1', dumps, problems: missed });
      else for (const one of dumps) printJson(one);
    }
    return EXIT.done;
  },
};

/** Where nobody can be asked and the pause would be refused, the agent need not come first. */
function consentTo(pid: number, { yes }: Options): (heapBytes: number) => void {
  return (heapBytes) => {
    const [quickMs, fullMs] = [quickPauseMs(heapBytes), fullPauseMs(heapBytes)];
    if (!yes && !mayAsk() && quickMs > ANNOUNCED_MS) throw new InputError(pauseText(pid, quickMs, fullMs));
  };
}

function mayAsk(): boolean {
  return process.stdin.isTTY && process.stderr.isTTY;
}

function pauseText(pid: number, quickMs: number, fullMs: number): string {
  return `A dump pauses process ${pid} for about ${formatMs(fullMs)}, a quick one for ${formatMs(quickMs)}. Add --yes, or --quick --yes.`;
}

/** Null: the user declined. */
async function chooseMode(pid: number, costs: Costs, { quick, yes, force }: Options): Promise<DumpMode | null> {
  const { quickMs, fullMs, neededBytes, availableBytes } = costs;
  if (!quick && yes && !force && availableBytes < neededBytes) throw new InputError(memoryText(costs));
  const wanted: DumpMode = quick ? 'quick' : 'full';
  const pauseMs = quick ? quickMs : fullMs;
  if (yes || pauseMs <= ANNOUNCED_MS) return wanted;
  if (!mayAsk()) {
    if (quickMs > ANNOUNCED_MS) throw new InputError(pauseText(pid, quickMs, fullMs));
    complain(`This is a quick dump. A full one pauses process ${pid} for about ${formatMs(fullMs)}: add --yes.`);
    return 'quick';
  }
  if (!quick && !force && availableBytes < neededBytes) complain(memoryText(costs));
  return ask(pid, wanted, costs);
}

function memoryText({ neededBytes, availableBytes }: Costs): string {
  const needs = formatBytes(neededBytes);
  return `A full dump needs about ${needs} of memory, ${formatBytes(availableBytes)} are available. Add --quick, or --force.`;
}

async function ask(pid: number, wanted: DumpMode, { quickMs, fullMs }: Costs): Promise<DumpMode | null> {
  const pause = formatMs(wanted === 'full' ? fullMs : quickMs);
  const shorter = wanted === 'full' ? `, or q for a quick one (${formatMs(quickMs)})` : '';
  const answer = await question(`This pauses process ${pid} for about ${pause}. Go on? y or n${shorter}: `);
  if (/^q/i.test(answer)) return 'quick';
  return /^y/i.test(answer) ? wanted : null;
}

/** As text it is printed at once: of several processes each as it comes. */
async function take(connection: Connection, mode: DumpMode, { json, expand, all }: Options): Promise<Dump> {
  const progress = progressLine();
  try {
    const bare = await takeDump(connection, { mode, onProgress: progress.show });
    const taken = withFindings(bare, connection.hello.family);
    progress.clear();
    if (!json) {
      const paint = painter(hasColor(process.stdout));
      const text = dumpText(taken, { paint, width: terminalWidth(process.stdout), expand: expand === true });
      process.stdout.write(all ? `${text}\n` : text);
    }
    return taken;
  } finally {
    progress.clear();
  }
}
